#include "graph/arch/architectures.hpp"

#include <string>

#include "graph/arch/llama.hpp"
#include "jit/error.hpp"

namespace burin::graph {
namespace {

struct ArchitectureRow {
  Origin origin;
  std::string_view name;  // general.architecture or config.json's "architectures"
  Decoder (*build)(const ModelDescription&);
};

constexpr ArchitectureRow kArchitectures[] = {
    {Origin::gguf, "llama", build_llama},
    {Origin::hugging_face, "LlamaForCausalLM", build_llama},
};

}  // namespace

Decoder build_decoder(const ModelDescription& model) {
  std::string known;
  for (const ArchitectureRow& row : kArchitectures) {
    if (row.origin != model.origin) continue;
    if (row.name == model.architecture) {
      Decoder decoder = row.build(model);
      validate(decoder.graph);
      return decoder;
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  }
  fail("{}: architecture is '{}': not supported yet: {} works", model.path, printable(model.architecture),
       known);
}

}  // namespace burin::graph
