// In the place of commands for developers, in a build without the emitter (BURIN_EMITTER=OFF): it is for small machines.
#include "tools/command.hpp"

namespace burin::tools {
namespace {

void add_refusal(CLI::App& app, const std::string& name) {
  CLI::App* command = app.add_subcommand(name, "Not in this build, which has no emitter");
  command->allow_extras();
  command->callback([name] {
    fail("{}: this Burin was built without the emitter (BURIN_EMITTER=OFF): use the command of a full build",
         name);
  });
}

}  // namespace

void add_bench_command(CLI::App& app) { add_refusal(app, "bench"); }
void add_kernel_command(CLI::App& app) { add_refusal(app, "kernel"); }
void add_plan_command(CLI::App& app) { add_refusal(app, "plan"); }
void add_pregen_command(CLI::App& app) { add_refusal(app, "pregen"); }

}  // namespace burin::tools
