// Typed, range-checked access to a model's configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "graph/model_description.hpp"

namespace burin::graph {

// Every error is one line that names file, key and value.
class ConfigReader {
 public:
  explicit ConfigReader(const ModelDescription& model) : model_(model), config_(model.config) {}
  // A nested object ("rope_scaling"), as a reader of its own.
  ConfigReader(const ModelDescription& model, const nlohmann::json& object, std::string prefix)
      : model_(model), config_(object), prefix_(std::move(prefix)) {}

  bool has(std::string_view key) const;  // present and not null
  std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most) const;
  std::int64_t integer_or(std::string_view key, std::int64_t otherwise, std::int64_t least,
                          std::int64_t most) const;
  double number(std::string_view key, double least, double most) const;
  double number_or(std::string_view key, double otherwise, double least, double most) const;
  bool boolean_or(std::string_view key, bool otherwise) const;
  std::string text_or(std::string_view key, std::string_view otherwise) const;
  // Lists of exactly `count` entries.
  std::vector<double> numbers(std::string_view key, std::size_t count, double least, double most) const;
  std::vector<std::string> texts(std::string_view key, std::size_t count) const;
  // The nested object under `key`; empty where it is missing or null.
  std::optional<ConfigReader> object(std::string_view key) const;

  [[noreturn]] void refuse(std::string_view key, std::string_view why) const;

 private:
  const nlohmann::json* find(std::string_view key) const;

  const ModelDescription& model_;
  const nlohmann::json& config_;
  std::string prefix_;
};

// Checks that a tensor is there and has this shape; throws burin::Error naming file, tensor and shapes.
void require_tensor(const ModelDescription& model, std::string_view name,
                    const std::vector<std::int64_t>& shape);

}  // namespace burin::graph
