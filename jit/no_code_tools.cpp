// In the place of perf_map.cpp, jitdump.cpp and gdb_interface.cpp in a build without the emitter (BURIN_EMITTER=OFF): it
// is for small machines.
#include "jit/error.hpp"
#include "jit/gdb_interface.hpp"
#include "jit/jitdump.hpp"
#include "jit/perf_map.hpp"

namespace burin::jit {
namespace {

[[noreturn]] void refuse(const char* tool) {
  fail(
      "kernels cannot be shown to {}: this Burin was built without the emitter (BURIN_EMITTER=OFF): use a "
      "full build",
      tool);
}

}  // namespace

std::shared_ptr<CodeTool> make_perf_map() { refuse("perf"); }
std::shared_ptr<CodeTool> make_jitdump(const std::filesystem::path&) { refuse("perf"); }
std::shared_ptr<CodeTool> make_gdb_interface() { refuse("GDB"); }

}  // namespace burin::jit
