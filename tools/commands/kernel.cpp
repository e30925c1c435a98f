// burin kernel: one kernel by its name: size, disassembly, bytes.
#include <fstream>

#include "graph/plan.hpp"
#include "jit/disassembler.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"
#include "tools/kernel_names.hpp"

namespace burin::tools {
namespace {

struct KernelOptions {
  CommonOptions common;
  std::string name;
  std::string bytes_file;
  bool disassemble = false;
};

void run(const KernelOptions& options) {
  const jit::Target target = from_arguments([&] { return jit::parse_target(options.common.target); });
  if (options.name == "ls")
    wrong_usage("kernel ls: not supported yet: burin plan MODEL shows the kernels of a model");
  const graph::KernelSpec spec = from_arguments([&] { return parse_kernel_name(options.name); });
  const jit::CodeImage image = graph::emit_kernel(spec, target);
  if (!options.bytes_file.empty()) {
    std::ofstream file(options.bytes_file, std::ios::binary);
    file.write(reinterpret_cast<const char*>(image.bytes.data()),
               static_cast<std::streamsize>(image.bytes.size()));
    file.close();
    if (!file) fail("{}: cannot be written", options.bytes_file);
  }
  if (options.common.json) {
    nlohmann::json object = {{"name", image.name},
                             {"target", target.name},
                             {"features", jit::to_text(image.features)},
                             {"code_bytes", image.code_size},
                             {"constant_bytes", image.bytes.size() - image.code_size}};
    if (options.disassemble) object["disassembly"] = jit::disassemble(image);
    print_json(object);
    return;
  }
  fmt::print("{}\ntarget {}, {} bytes of code, {} of constants\n", image.name, target.name, image.code_size,
             image.bytes.size() - image.code_size);
  if (options.disassemble) fmt::print("{}", jit::disassemble(image));
}

}  // namespace

void add_kernel_command(CLI::App& app) {
  const auto options = std::make_shared<KernelOptions>();
  CLI::App* command = app.add_subcommand("kernel", "One kernel by its name, for any target");
  command->footer(
      "Example: burin kernel prepare-k.64-w.int4s.g32.f16-a.s8-norm.rms-is.64-gather.0 --target haswell "
      "--disassemble");
  command->add_option("NAME", options->name, "Kernel name as burin plan prints it")->required();
  command->add_option("--target", options->common.target, "CPU name or feature list (default: detect)");
  command->add_flag("--disassemble", options->disassemble, "Print the instructions");
  command->add_option("--bytes", options->bytes_file, "Write code and constants to this file");
  add_json_option(*command, options->common);
  command->callback([=] { run(*options); });
}

}  // namespace burin::tools
