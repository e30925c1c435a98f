// burin pregen: kernels ahead of time, for CPUs that need not be this one.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "jit/bundle.hpp"
#include "jit/object_file.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/kernel_bundle.hpp"
#include "runtime/plan_kernels.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"
#include "tools/progress_bar.hpp"

namespace burin::tools {
namespace {

struct PregenOptions {
  CommonOptions common;
  std::string names;
  std::string output;
};

bool is_cpu(std::string_view name) {
  for (const jit::NamedTarget& target : jit::known_targets())
    if (target.name == name) return true;
  return name == "detect";
}

// "haswell,znver4" are two CPUs, "avx2,avxvnni" is one list of features, and "haswell,avx2,avxvnni" is both.
std::vector<jit::Target> parse_targets(const std::string& text) {
  std::vector<std::string> names;
  bool in_list = false;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    if (in_list && !is_cpu(part))
      names.back() += "," + part;
    else
      names.push_back(part);
    in_list = !is_cpu(part);
  }
  std::vector<jit::Target> targets;
  for (const std::string& name : names) targets.push_back(jit::parse_target(name));
  if (targets.empty()) fail("--target '{}': names no CPU: use burin info to see what there is", text);
  return targets;
}

// One name per line; empty lines and what follows a # do not count.
std::vector<graph::KernelSpec> read_names(const std::string& path) {
  std::vector<graph::KernelSpec> specs;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    line.resize(std::min(line.find('#'), line.size()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t'))
      line.pop_back();
    if (!line.empty()) specs.push_back(kernels::parse_kernel_name(line));
  }
  if (specs.empty())
    fail("{}: holds no kernel name: write one per line, as burin plan MODEL prints them", path);
  return specs;
}

runtime::EmittedKernels emit_names(const PregenOptions& options, const std::vector<jit::Target>& targets) {
  const std::vector<graph::KernelSpec> specs = read_names(options.names);
  runtime::EmittedKernels kernels;
  ProgressBar progress("emitting");
  for (const jit::Target& target : targets) {
    kernels.targets.push_back({target, fmt::format("{} kernels by name", specs.size())});
    for (const graph::KernelSpec& spec : specs) {
      kernels.images.push_back(graph::emit_kernel(spec, target));
      progress(static_cast<double>(kernels.images.size()) /
               static_cast<double>(specs.size() * targets.size()));
    }
  }
  return kernels;
}

runtime::EmittedKernels emit_model(const PregenOptions& options, const std::vector<jit::Target>& targets) {
  const graph::PlanOptions wanted = plan_options(options.common);
  const std::unique_ptr<runtime::ModelFile> file = runtime::ModelFile::open(options.common.model);
  std::vector<graph::Plan> plans;
  for (const jit::Target& target : targets)
    plans.push_back(graph::make_plan(file->description(), target, wanted));
  return runtime::emit_plans(plans, ProgressBar("emitting"));
}

// What the name of the output asks for.
std::vector<std::uint8_t> output_file(const std::string& output, const runtime::EmittedKernels& kernels) {
  if (!output.ends_with(".o")) return jit::bundle_file(kernels.targets, kernels.images, jit::this_emitter());
  const std::string name = std::filesystem::path(output).stem();
  return jit::object_file(jit::linked_name(name), kernels.targets, kernels.images, jit::this_emitter());
}

// Beside its place first, so that there is never half a file.
void write_output(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  const std::string temporary = path + ".tmp";
  std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  std::error_code refused;
  if (stream) std::filesystem::rename(temporary, path, refused);
  if (stream && !refused) return;
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  fail("{}: cannot be written: check that the folder is there and has room", path);
}

void run(const PregenOptions& options) {
  if (options.common.model.empty() == options.names.empty())
    wrong_usage("pregen: give either --model MODEL or --names FILE");
  const std::vector<jit::Target> targets =
      from_arguments([&] { return parse_targets(options.common.target); });
  const auto begin = std::chrono::steady_clock::now();
  const runtime::EmittedKernels emitted =
      options.names.empty() ? emit_model(options, targets) : emit_names(options, targets);
  const std::vector<std::uint8_t> file = output_file(options.output, emitted);
  const std::size_t kernels = jit::images_by_key(emitted.images).size();
  write_output(options.output, file);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::vector<std::string> names;
  for (const jit::Target& target : targets) names.push_back(target.name);
  if (options.common.json)
    print_json({{"kernels", kernels},
                {"bytes", file.size()},
                {"seconds", seconds},
                {"targets", names},
                {"path", options.output}});
  else
    fmt::print("{}: {} kernels for {}, {} bytes, in {:.2f} s\n", options.output, kernels,
               fmt::join(names, ", "), file.size(), seconds);
}

}  // namespace

void add_pregen_command(CLI::App& app) {
  const auto options = std::make_shared<PregenOptions>();
  CLI::App* command =
      app.add_subcommand("pregen", "Kernels ahead of time, for CPUs that need not be this one");
  command->footer(
      "Example: burin pregen --model demo/shakespeare-q8_0.gguf --target sapphirerapids,znver4,haswell "
      "-o kernels.bnd\n"
      "Then:    burin run demo/shakespeare-q8_0.gguf --kernels kernels.bnd --no-emit\n"
      "With -o NAME.o: an object to link, with the table burin_kernels_NAME (jit/linked_kernels.hpp)");
  command->add_option("--model", options->common.model, "GGUF file or Hugging Face folder");
  command->add_option("--names", options->names,
                      "File of kernel names, one per line, as burin plan prints them");
  command->add_option("-o,--output", options->output, "Bundle, or object file (.o), to write")->required();
  add_compute_options(*command, options->common);
  add_json_option(*command, options->common);
  command->callback([=] { run(*options); });
}

}  // namespace burin::tools
