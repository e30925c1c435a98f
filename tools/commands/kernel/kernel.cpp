// burin kernel: one kernel by its name: size, disassembly, bytes; or which there are.
#include <fstream>

#include "jit/disassembler.hpp"
#include "templates/kernel_spec.hpp"
#include "tools/command.hpp"
#include "tools/commands/kernel/bench.hpp"
#include "tools/commands/kernel/bench_list.hpp"
#include "tools/commands/kernel/list.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

struct KernelOptions {
  CommonOptions common;
  std::string name;
  std::vector<std::string> words;  // kernel ls
  std::string bytes_file;
  bool all = false;
  bool disassemble = false;
  bool bench = false;
  std::int64_t rows = 0;  // --bench
  bool markdown = false;  // kernel ls --bench
};

void write_bytes(const jit::CodeImage& image, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(image.bytes.data()),
             static_cast<std::streamsize>(image.bytes.size()));
  file.close();
  if (!file) fail("{}: cannot be written", path);
}

void show(const KernelOptions& options, const jit::Target& target) {
  const kernels::KernelSpec spec = from_arguments([&] { return kernels::parse_kernel_name(options.name); });
  if (options.bench) return bench_kernel(spec, target, options.rows, options.common.json);
  const jit::CodeImage image = kernels::emit_kernel(spec, options.disassemble ? target.with_roles() : target);
  if (!options.bytes_file.empty()) write_bytes(image, options.bytes_file);
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

void run_list(const KernelOptions& options, const jit::Target& target) {
  if (options.disassemble || options.rows != 0 || !options.bytes_file.empty())
    wrong_usage("kernel ls: lists names: give one of them to --disassemble, --bytes and --rows");
  if (!options.bench) {
    if (options.markdown) wrong_usage("kernel ls: --markdown is for --bench");
    return list_kernels({options.words, options.all, options.common.json}, target);
  }
  if (options.markdown && options.common.json)
    wrong_usage("kernel ls: --markdown and --json contradict each other: leave out one");
  if (options.all) wrong_usage("kernel ls: --all is for names: --bench times what the target can have");
  bench_rows(options.words, target,
             options.markdown      ? BenchFormat::markdown
             : options.common.json ? BenchFormat::json
                                   : BenchFormat::text);
}

void run(const KernelOptions& options) {
  const jit::Target target = from_arguments([&] { return jit::parse_target(options.common.target); });
  if (options.name == "ls") return run_list(options, target);
  if (options.markdown) wrong_usage("kernel {}: --markdown is for kernel ls --bench", options.name);
  if (options.all || !options.words.empty())
    wrong_usage("kernel {}: {} is for kernel ls", options.name,
                options.all ? "--all" : fmt::format("'{}'", options.words.front()));
  if (options.bench && (options.disassemble || !options.bytes_file.empty()))
    wrong_usage("kernel {}: --bench runs the kernel: leave out --disassemble and --bytes", options.name);
  if (options.rows != 0 && !options.bench) wrong_usage("kernel {}: --rows is for --bench", options.name);
  show(options, target);
}

}  // namespace

void add_kernel_command(CLI::App& app) {
  const auto options = std::make_shared<KernelOptions>();
  CLI::App* command =
      app.add_subcommand("kernel", "One kernel by its name, or which there are, for any target");
  command->footer(
      "Example: burin kernel ls gemm int4s.g32 --target haswell\n"
      "Example: burin kernel ls attention gqa --bench\n"
      "Example: burin kernel prepare-k.64-w.int4s.g32.f16-a.s8-norm.rms-is.64-gather.0 --target haswell "
      "--disassemble");
  command->add_option("NAME", options->name, "Kernel name as burin plan and burin kernel ls print it, or ls")
      ->required();
  command->add_option("WORDS", options->words, "ls: what the names of the manifest's rows have all of");
  command->add_option("--target", options->common.target, "CPU name or feature list (default: detect)");
  command->add_flag("--all", options->all, "ls: also what is refused, and why");
  command->add_flag("--disassemble", options->disassemble, "Print the instructions");
  command->add_option("--bytes", options->bytes_file, "Write code and constants to this file");
  command->add_flag(
      "--bench", options->bench,
      "Run it, or all that ls names, on one thread: time, rates, share of this machine's limit");
  command->add_flag("--markdown", options->markdown, "ls --bench: tables");
  command->add_option("--rows", options->rows, "Rows of a call of --bench (default: 1 to decode, else 256)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{65536}));
  add_json_option(*command, options->common);
  command->callback([=] { run(*options); });
}

}  // namespace burin::tools
