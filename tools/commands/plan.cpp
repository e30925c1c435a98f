// burin plan: what the planner decided and why, from headers alone.
#include "graph/plan_text.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/machine_limits.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

// The machine's own where the plan is for it; figures of the CPU that was named otherwise.
graph::MachineLimits limits_of(const CommonOptions& options, const jit::Target& target) {
  return options.target == "detect" ? runtime::measure_limits(target, options.threads)
                                    : graph::nominal_limits(target, options.threads);
}

void run(const CommonOptions& options) {
  const graph::PlanOptions wanted = plan_options(options);
  // The target need not be this machine.
  const jit::Target target = from_arguments([&] { return jit::parse_target(options.target); });
  const std::unique_ptr<runtime::ModelFile> file = runtime::ModelFile::open(options.model);
  const graph::Plan plan = graph::make_plan(file->description(), target, wanted);
  const graph::MachineLimits limits = limits_of(options, target);
  if (options.json)
    print_json(graph::to_json(plan, limits));
  else
    fmt::print("{}", graph::to_text(plan, limits));
}

}  // namespace

void add_plan_command(CLI::App& app) {
  const auto options = std::make_shared<CommonOptions>();
  CLI::App* command = app.add_subcommand("plan", "Steps, kernels and buffers for a model, and why");
  command->footer("Example: burin plan demo/shakespeare-q8_0.gguf --target haswell");
  add_model_option(*command, *options);
  add_compute_options(*command, *options);
  add_json_option(*command, *options);
  command->callback([=] { run(*options); });
}

}  // namespace burin::tools
