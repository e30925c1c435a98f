#include "tests/graph/described_model.hpp"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

#include "tests/graph/made_llama.hpp"

namespace burin::graph {
namespace {

using kernels::StoredType;

StoredType type_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(StoredType::q6_k); ++i)
    if (kernels::layout_of(static_cast<StoredType>(i)).name == name) return static_cast<StoredType>(i);
  throw std::runtime_error("no stored type " + name);
}

std::vector<std::int64_t> parse_shape(const std::string& text) {
  std::vector<std::int64_t> shape;
  std::istringstream stream(text);
  for (std::string size; std::getline(stream, size, 'x');) shape.push_back(std::stoll(size));
  return shape;
}

std::string tensor_text(const TensorDescription& tensor) {
  std::string shape;
  for (const std::int64_t size : tensor.shape) shape += fmt::format("{}{}", shape.empty() ? "" : "x", size);
  return fmt::format("{} {} {}", tensor.name, tensor.type_name, shape);
}

}  // namespace

std::string to_json_text(const ModelDescription& model) {
  nlohmann::json tensors = nlohmann::json::array();
  for (const TensorDescription& tensor : model.tensors) tensors.push_back(tensor_text(tensor));
  // A tensor per line, the configuration on one.
  return fmt::format("{{\"architecture\": \"{}\",\n\"config\": {},\n\"tensors\": {}}}\n", model.architecture,
                     model.config.dump(), tensors.dump(0));
}

ModelDescription parse_description(const std::string& json, const std::string& path) {
  const nlohmann::json parsed = nlohmann::json::parse(json);
  ModelDescription model;
  model.path = path;
  model.origin = Origin::hugging_face;
  model.architecture = parsed["architecture"];
  model.config = parsed["config"];
  for (const nlohmann::json& line : parsed["tensors"]) {
    std::istringstream words(line.get<std::string>());
    std::string name, type, shape;
    words >> name >> type >> shape;
    model.tensors.emplace_back().name = name;
    model.tensors.back().shape = parse_shape(shape);
    model.tensors.back().type_name = type;
  }
  model.index_tensors();
  for (const TensorDescription& tensor : std::vector(model.tensors))
    set_type(model, tensor.name, type_named(tensor.type_name));
  return model;
}

}  // namespace burin::graph
