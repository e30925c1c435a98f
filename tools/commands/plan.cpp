// burin plan: what the planner decided and why, from headers alone.
#include <fstream>

#include "graph/draw/page.hpp"
#include "graph/plan_text.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/machine_limits.hpp"
#include "templates/emitters.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

struct PlanCommandOptions {
  CommonOptions common;
  std::string html;
  std::string dot;
};

// The machine's own where the plan is for it; figures of the CPU that was named otherwise.
graph::MachineLimits limits_of(const CommonOptions& options, const jit::Target& target) {
  const bool can_measure = options.target == "detect" && kernels::has_emitters();
  return can_measure ? runtime::measure_limits(target, options.threads)
                     : graph::nominal_limits(target, options.threads);
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  if (!file) fail("{}: cannot be opened for writing", path);
  file << content;
  file.close();
  if (!file) fail("{}: cannot be written: is the disk full?", path);
}

void run(const PlanCommandOptions& options) {
  const CommonOptions& common = options.common;
  const graph::PlanOptions wanted = plan_options(common);
  // The target need not be this machine.
  const jit::Target target = from_arguments([&] { return jit::parse_target(common.target); });
  const std::unique_ptr<runtime::ModelFile> file = runtime::ModelFile::open(common.model);
  const graph::Plan plan = graph::make_plan(file->description(), target, wanted);
  const graph::MachineLimits limits = limits_of(common, target);
  if (!options.html.empty()) write_file(options.html, graph::draw::html_page(plan, limits));
  if (!options.dot.empty()) write_file(options.dot, graph::draw::graphviz(plan, limits));
  if (common.json)
    print_json(graph::to_json(plan, limits));
  else if (options.html.empty() && options.dot.empty())
    fmt::print("{}", graph::to_text(plan, limits));
}

}  // namespace

void add_plan_command(CLI::App& app) {
  const auto options = std::make_shared<PlanCommandOptions>();
  CLI::App* command = app.add_subcommand("plan", "Steps, kernels and buffers for a model, and why");
  command->footer(
      "Example: burin plan demo/shakespeare-q8_0.gguf --target haswell\n"
      "         burin plan demo/shakespeare-q8_0.gguf --html plan.html");
  add_model_option(*command, options->common);
  command->add_option("--html", options->html, "Write a page that draws the plan to this file");
  command->add_option("--dot", options->dot,
                      "Write the steps and buffers of decode to this file, for Graphviz");
  add_compute_options(*command, options->common);
  add_json_option(*command, options->common);
  command->callback([=] { run(*options); });
}

}  // namespace burin::tools
