#include "runtime/environment.hpp"

#include <cstdlib>

#include "jit/error.hpp"
#include "jit/gdb_interface.hpp"
#include "jit/jitdump.hpp"
#include "jit/perf_map.hpp"

namespace burin::runtime {
namespace {

// Programs that run with more rights than their user do not take orders from the environment.
std::string variable(const char* name) {
  const char* value = secure_getenv(name);
  return value == nullptr ? "" : value;
}

// "1" or "0"; not set is "0".
bool is_on(const char* name) {
  const std::string value = variable(name);
  if (!value.empty() && value != "0" && value != "1") fail("{}={}: expected 0 or 1", name, value);
  return value == "1";
}

std::vector<std::shared_ptr<jit::CodeTool>> wanted_tools() {
  std::vector<std::shared_ptr<jit::CodeTool>> tools;
  if (is_on("BURIN_PERF_MAP")) tools.push_back(jit::make_perf_map());
  if (const std::string folder = variable("BURIN_JITDUMP"); !folder.empty())
    tools.push_back(jit::make_jitdump(folder));
  if (is_on("BURIN_GDB")) tools.push_back(jit::make_gdb_interface());
  return tools;
}

}  // namespace

std::string default_cache_folder() {
  if (const std::string own = variable("BURIN_CACHE_DIR"); !own.empty()) return own;
  if (const std::string xdg = variable("XDG_CACHE_HOME"); xdg.starts_with('/')) return xdg + "/burin";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.cache/burin";
  return "";
}

const std::vector<std::shared_ptr<jit::CodeTool>>& code_tools() {
  static const std::vector<std::shared_ptr<jit::CodeTool>> tools = wanted_tools();
  return tools;
}

}  // namespace burin::runtime
