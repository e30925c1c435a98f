#include "runtime/model_identity.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "graph/plan.hpp"
#include "jit/sha256.hpp"
#include "runtime/model_state.hpp"

namespace burin::runtime {
namespace {

constexpr std::size_t kBytesOfTensor = 256;

void add(jit::Sha256& hash, const std::string& text) {
  hash.update(std::as_bytes(std::span(text)));
  hash.update(std::as_bytes(std::span("", 1)));  // an end that is in no text
}

}  // namespace

std::string model_identity(const Model& model) {
  jit::Sha256 hash;
  const std::unique_ptr<ModelFile>& file = model.state().file;
  if (file == nullptr) {
    add(hash, model.plan().model);  // synthetic models are their names
    return jit::to_hex(hash.finish());
  }
  const graph::ModelDescription& description = file->description();
  add(hash, description.architecture);
  add(hash, description.config.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  for (std::size_t i = 0; i < description.tensors.size(); ++i) {
    const graph::TensorDescription& tensor = description.tensors[i];
    add(hash, tensor.name + " " + tensor.type_name + fmt::format(" [{}]", fmt::join(tensor.shape, ",")));
    const std::span<const std::byte> bytes = file->tensor_data(i);
    hash.update(bytes.first(std::min(bytes.size(), kBytesOfTensor)));
  }
  return jit::to_hex(hash.finish());
}

}  // namespace burin::runtime
