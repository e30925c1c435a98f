#include "runtime/environment.hpp"

#include <cstdlib>

namespace burin::runtime {
namespace {

// Programs that run with more rights than their user do not take orders from the environment.
std::string variable(const char* name) {
  const char* value = secure_getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string default_cache_folder() {
  if (const std::string own = variable("BURIN_CACHE_DIR"); !own.empty()) return own;
  if (const std::string xdg = variable("XDG_CACHE_HOME"); xdg.starts_with('/')) return xdg + "/burin";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.cache/burin";
  return "";
}

}  // namespace burin::runtime
