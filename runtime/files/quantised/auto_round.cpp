// AutoRound stores layers as GPTQ or AWQ do, without g_idx, and each with settings of its own where extra_config says
// so. Source: https://github.com/intel/auto-round (auto_round/export), checked against its files.
#include "jit/error.hpp"
#include "runtime/files/quantised/awq.hpp"
#include "runtime/files/quantised/gptq.hpp"
#include "runtime/files/quantised/layer_pattern.hpp"
#include "runtime/files/quantised/methods.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::int64_t kLargestGroup = std::int64_t{1} << 31;

enum class Packing : std::uint8_t { zeros_minus_one, zeros, awq };

Packing packing_of(const graph::ConfigReader& config) {
  const std::string format = config.text_or("packing_format", "");
  if (format == "auto_round:auto_gptq" || format == "auto_round:gptq") return Packing::zeros_minus_one;
  if (format == "auto_round") return Packing::zeros;
  if (format == "auto_round:auto_awq" || format == "auto_round:awq") return Packing::awq;
  config.refuse("packing_format",
                "not supported: auto_round, auto_round:auto_gptq and auto_round:auto_awq are");
}

// The layer's settings with those of extra_config over the general ones. Its keys are names, or patterns that
// name more than one layer.
nlohmann::json settings_of(const Checkpoint& checkpoint, const std::string& layer) {
  nlohmann::json settings = checkpoint.json();
  const auto extra = settings.find("extra_config");
  if (extra == settings.end() || extra->is_null()) return settings;
  if (!extra->is_object()) checkpoint.config().refuse("extra_config", "must be an object of layers");
  const nlohmann::json* found = nullptr;
  if (const auto exact = extra->find(layer); exact != extra->end()) found = &*exact;
  for (const auto& [key, own] : extra->items()) {
    if (found != nullptr) break;
    const bool pattern = key.find_first_of("*+?[(\\^$|") != std::string::npos;
    if (pattern &&
        matches_beginning(key, layer, checkpoint.description().path + ": quantization_config.extra_config"))
      found = &own;
  }
  if (found == nullptr) return settings;
  if (!found->is_object())
    checkpoint.config().refuse("extra_config", fmt::format("{} must be an object", printable(layer)));
  const nlohmann::json own = *found;
  settings.update(own);
  return settings;
}

}  // namespace

std::vector<QuantisedMatrix> read_auto_round(const Checkpoint& checkpoint) {
  const Packing packing = packing_of(checkpoint.config());
  std::vector<QuantisedMatrix> matrices;
  for (const std::string& layer : checkpoint.layers_with(".qweight")) {
    const nlohmann::json merged = settings_of(checkpoint, layer);
    const graph::ConfigReader config(checkpoint.description(), merged,
                                     fmt::format("quantization_config ({}) ", printable(layer)));
    if (config.text_or("data_type", "int") != "int") config.refuse("data_type", "not supported: int is");
    const std::int64_t group = config.integer("group_size", -1, kLargestGroup);
    const int bits = gptq_bits(config);
    if (packing == Packing::awq && bits != 4) config.refuse("bits", "not supported in AWQ's layout: 4 is");
    matrices.push_back(
        packing == Packing::awq
            ? awq_matrix(checkpoint, layer, group)
            : gptq_matrix(checkpoint, layer, {bits, group, packing == Packing::zeros_minus_one, false}));
  }
  return matrices;
}

}  // namespace burin::runtime::quantised
