// burin inspect: what a model file contains, from its headers alone.
#include <map>

#include "runtime/files/model_file.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

std::int64_t elements(const graph::TensorDescription& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t dimension : tensor.shape) count *= dimension;
  return count;
}

nlohmann::json tensors_json(const graph::ModelDescription& model) {
  nlohmann::json tensors = nlohmann::json::array();
  for (const graph::TensorDescription& t : model.tensors)
    tensors.push_back({{"name", t.name}, {"type", t.type_name}, {"shape", t.shape}, {"bytes", t.bytes}});
  return tensors;
}

// Control characters would let a file write to the terminal.
std::string shown(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

void print_text(const graph::ModelDescription& model, std::int64_t parameters, std::uint64_t bytes) {
  fmt::print("{}: {}, {} tensors, {:.3f} million parameters, {:.1f} MiB\n", model.path,
             shown(model.architecture), model.tensors.size(), static_cast<double>(parameters) / 1e6,
             static_cast<double>(bytes) / 1048576.0);
  fmt::print("\nconfiguration\n");
  for (const auto& [key, value] : model.config.items()) {
    std::string text = shown(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    if (text.size() > 100) text = text.substr(0, 97) + "...";
    fmt::print("  {:<48} {}\n", shown(key), text);
  }
  fmt::print("\ntensors\n");
  std::map<std::string, std::pair<int, std::uint64_t>> totals;
  for (const graph::TensorDescription& t : model.tensors) {
    fmt::print("  {:<48} {:<8} {:>14}  [{}]\n", shown(t.name), t.type_name, t.bytes,
               fmt::join(t.shape, ", "));
    totals[t.type_name].first += 1;
    totals[t.type_name].second += t.bytes;
  }
  fmt::print("\ntypes\n");
  for (const auto& [type, total] : totals)
    fmt::print("  {:<8} {:>6} tensors {:>14} bytes\n", type, total.first, total.second);
}

void run(const CommonOptions& options) {
  const std::unique_ptr<runtime::ModelFile> file = runtime::ModelFile::open(options.model);
  const graph::ModelDescription& model = file->description();
  std::int64_t parameters = 0;
  std::uint64_t bytes = 0;
  for (const graph::TensorDescription& tensor : model.tensors) {
    parameters += elements(tensor);
    bytes += tensor.bytes;
  }
  if (options.json)
    print_json({{"path", model.path},
                {"format", file->gguf()                          ? "gguf"
                           : model.origin == graph::Origin::gguf ? "llama2.c"
                                                                 : "hugging_face"},
                {"architecture", model.architecture},
                {"parameters", parameters},
                {"bytes", bytes},
                {"config", model.config},
                {"tensors", tensors_json(model)}});
  else
    print_text(model, parameters, bytes);
}

}  // namespace

void add_inspect_command(CLI::App& app) {
  const auto options = std::make_shared<CommonOptions>();
  CLI::App* command =
      app.add_subcommand("inspect", "Configuration and tensors of a model, from its headers alone");
  command->footer("Example: burin inspect demo/shakespeare-q8_0.gguf");
  add_model_option(*command, *options);
  add_json_option(*command, *options);
  command->callback([=] { run(*options); });
}

}  // namespace burin::tools
