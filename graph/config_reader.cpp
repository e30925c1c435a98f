#include "graph/config_reader.hpp"

#include <cmath>
#include <limits>

#include "jit/error.hpp"

namespace burin::graph {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += fmt::format("{}{}", i ? ", " : "", shape[i]);
  return text + "]";
}

// Values are quoted from the file: short, on one line.
std::string quoted(const nlohmann::json& value) {
  std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

}  // namespace

const nlohmann::json* ConfigReader::find(std::string_view key) const {
  if (!config_.is_object()) return nullptr;
  const auto at = config_.find(std::string(key));
  return at == config_.end() || at->is_null() ? nullptr : &*at;
}

bool ConfigReader::has(std::string_view key) const { return find(key) != nullptr; }

void ConfigReader::refuse(std::string_view key, std::string_view why) const {
  const nlohmann::json* value = find(key);
  fail("{}: {}{} is {}: {}", model_.path, prefix_, key, value ? quoted(*value) : "missing", why);
}

std::int64_t ConfigReader::integer(std::string_view key, std::int64_t least, std::int64_t most) const {
  const nlohmann::json* value = find(key);
  const std::string range = fmt::format("must be a whole number from {} to {}", least, most);
  if (value == nullptr) refuse(key, range);
  if (value->is_number_unsigned() &&
      value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    refuse(key, range);
  if (!value->is_number_integer()) refuse(key, range);
  const auto number = value->get<std::int64_t>();
  if (number < least || number > most) refuse(key, range);
  return number;
}

std::int64_t ConfigReader::integer_or(std::string_view key, std::int64_t otherwise, std::int64_t least,
                                      std::int64_t most) const {
  return has(key) ? integer(key, least, most) : otherwise;
}

double ConfigReader::number(std::string_view key, double least, double most) const {
  const nlohmann::json* value = find(key);
  const std::string range = fmt::format("must be a number from {:g} to {:g}", least, most);
  if (value == nullptr || !value->is_number()) refuse(key, range);
  const auto number = value->get<double>();
  if (!(number >= least && number <= most)) refuse(key, range);
  return number;
}

double ConfigReader::number_or(std::string_view key, double otherwise, double least, double most) const {
  return has(key) ? number(key, least, most) : otherwise;
}

bool ConfigReader::boolean_or(std::string_view key, bool otherwise) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) refuse(key, "must be true or false");
  return value->get<bool>();
}

std::string ConfigReader::text_or(std::string_view key, std::string_view otherwise) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::string(otherwise);
  if (!value->is_string()) refuse(key, "must be a text");
  return value->get<std::string>();
}

std::vector<double> ConfigReader::numbers(std::string_view key, std::size_t count, double least,
                                          double most) const {
  const nlohmann::json* value = find(key);
  const std::string range = fmt::format("must be {} numbers from {:g} to {:g}", count, least, most);
  if (value == nullptr || !value->is_array() || value->size() != count) refuse(key, range);
  std::vector<double> list;
  for (const nlohmann::json& entry : *value) {
    if (!entry.is_number()) refuse(key, range);
    list.push_back(entry.get<double>());
    if (!(list.back() >= least && list.back() <= most)) refuse(key, range);
  }
  return list;
}

std::vector<std::string> ConfigReader::texts(std::string_view key, std::size_t count) const {
  const nlohmann::json* value = find(key);
  const std::string wanted = fmt::format("must be {} texts", count);
  if (value == nullptr || !value->is_array() || value->size() != count) refuse(key, wanted);
  std::vector<std::string> list;
  for (const nlohmann::json& entry : *value) {
    if (!entry.is_string()) refuse(key, wanted);
    list.push_back(entry.get<std::string>());
  }
  return list;
}

std::optional<ConfigReader> ConfigReader::object(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) refuse(key, "must be an object");
  return ConfigReader(model_, *value, fmt::format("{}{}.", prefix_, key));
}

void require_tensor(const ModelDescription& model, std::string_view name,
                    const std::vector<std::int64_t>& shape) {
  if (model.missing && model.find(name) < 0) model.missing(name, shape);
  const std::ptrdiff_t index = model.find(name);
  if (index < 0)
    fail("{}: tensor {} is missing: the file is incomplete or of another architecture", model.path, name);
  const TensorDescription& tensor = model.tensors[static_cast<std::size_t>(index)];
  if (tensor.shape != shape)
    fail("{}: tensor {} has shape {}: the configuration asks for {}", model.path, name,
         shape_text(tensor.shape), shape_text(shape));
  if (!tensor.can_be_packed())
    fail(
        "{}: tensor {} has type {}: not supported yet: use F32, F16, BF16, Q2_K to Q6_K, Q4_0, Q4_1, "
        "Q5_0, Q5_1 or Q8_0",
        model.path, name, tensor.type_name);
}

}  // namespace burin::graph
