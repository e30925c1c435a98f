// Of a matrix of N outputs and K inputs, in groups of G inputs:
//
//   qweight  [K * bits / 32, N]            each column of words is a stream: one output's codes along the inputs
//   qzeros   [K / G, N * bits / 32]        each row of words is a stream: one group's zero points along the outputs
//   scales   [K / G, N]
//   g_idx    [K]                           the group of each input
//
//   weight = scales[g][n] * (code - zero[g][n])
//
// In version 1 a zero point z is stored as z - 1. Tools subtract 0x11111111 (4 bits) from whole words, so a z of 0
// borrows from its neighbour, and adding it to whole words is the inverse; numbers of 3 bits wrap one by one.
#include "runtime/files/quantised/gptq.hpp"

#include "jit/error.hpp"
#include "runtime/files/quantised/group_order.hpp"
#include "runtime/files/quantised/integer_matrix.hpp"
#include "runtime/files/quantised/layer_pattern.hpp"
#include "runtime/files/quantised/methods.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::int64_t kLargestGroup = std::int64_t{1} << 31;

// Ones at the beginning of each number of a word.
constexpr std::uint32_t ones_of(int bits) { return 0xffffffffu / ((1u << bits) - 1); }

// Of GPTQModel's "dynamic": {"+:PATTERN": {"bits": 8, ...}, "-:PATTERN": {}}. The first pattern wins, but JSON objects
// have no order that could be relied on: two that say different things are refused.
const nlohmann::json* overrides_for(const Checkpoint& checkpoint, const std::string& layer) {
  const nlohmann::json& json = checkpoint.json();
  const auto dynamic = json.find("dynamic");
  if (dynamic == json.end() || dynamic->is_null()) return nullptr;
  if (!dynamic->is_object()) checkpoint.config().refuse("dynamic", "must be an object of patterns");
  const nlohmann::json* found = nullptr;
  for (const auto& [key, settings] : dynamic->items()) {
    if (key.starts_with("-:")) continue;  // its layers are stored plain, or would not have come here
    const std::string pattern = key.starts_with("+:") ? key.substr(2) : key;
    if (!matches_beginning(pattern, layer, checkpoint.description().path + ": quantization_config.dynamic"))
      continue;
    if (!settings.is_object())
      checkpoint.config().refuse("dynamic", fmt::format("'{}' must be an object", printable(key)));
    if (found != nullptr && *found != settings)
      checkpoint.config().refuse(
          "dynamic", fmt::format("two patterns with different settings match {}", printable(layer)));
    found = &settings;
  }
  return found;
}

GptqSettings overridden(const Checkpoint& checkpoint, const std::string& layer, GptqSettings settings) {
  const nlohmann::json* overrides = overrides_for(checkpoint, layer);
  if (overrides == nullptr) return settings;
  const graph::ConfigReader config(checkpoint.description(), *overrides,
                                   fmt::format("quantization_config.dynamic ({}) ", printable(layer)));
  if (config.has("bits")) settings.bits = gptq_bits(config);
  settings.group = config.integer_or("group_size", settings.group, -1, kLargestGroup);
  settings.input_groups = config.boolean_or("desc_act", settings.input_groups);
  return settings;
}

bool zeros_are_minus_one(const graph::ConfigReader& config) {
  const std::string_view key = config.has("checkpoint_format") ? "checkpoint_format" : "format";
  const std::string format = config.text_or(key, "gptq");
  if (format != "gptq" && format != "gptq_v2")
    config.refuse(key, "this layout is not supported: gptq and gptq_v2 are");
  return format == "gptq";
}

}  // namespace

int gptq_bits(const graph::ConfigReader& settings) {
  const std::int64_t bits = settings.integer("bits", 1, 64);
  if (bits != 2 && bits != 3 && bits != 4 && bits != 8)
    settings.refuse("bits", "not supported in this layout: 2, 3, 4 and 8 are");
  return static_cast<int>(bits);
}

QuantisedMatrix gptq_matrix(const Checkpoint& checkpoint, const std::string& layer,
                            const GptqSettings& settings) {
  const int bits = settings.bits;
  const StoredTensor codes = checkpoint.require_matrix(layer + ".qweight", {"I32", "U32"});
  const std::int64_t words = codes.shape()[0];
  IntegerLayout layout;
  layout.layer = layer;
  layout.bits = bits;
  layout.outputs = codes.shape()[1];
  layout.inputs = words * 32 / bits;
  if (layout.inputs * bits != words * 32 || layout.outputs * bits % 32 != 0)
    checkpoint.refuse(layer + ".qweight",
                      fmt::format("has shape [{}, {}]: codes of {} bits cannot fill it: check bits", words,
                                  layout.outputs, bits));
  layout.group = group_of_settings(checkpoint, layer, settings.group, layout.inputs);
  layout.codes = {codes.data.data(), bits, 4, layout.outputs * 4};
  const std::int64_t zero_words = layout.outputs * bits / 32;
  const StoredTensor zeros =
      checkpoint.require(layer + ".qzeros", {"I32", "U32"}, {layout.groups(), zero_words});
  layout.zeros = {zeros.data.data(), bits, zero_words * 4};
  if (settings.zeros_minus_one) {
    if (bits == 3)
      layout.zeros->added_to_number = 1;
    else
      layout.zeros->added = ones_of(bits);
  }
  std::vector<std::string> others = {layer + ".qzeros"};
  if (const std::string g_idx = layer + ".g_idx"; settings.input_groups || checkpoint.has(g_idx)) {
    layout.order = group_order(checkpoint, g_idx, layout.inputs, layout.group);
    others.push_back(g_idx);
  }
  return qweight_matrix(checkpoint, std::move(layout), std::move(others));
}

std::vector<QuantisedMatrix> read_gptq(const Checkpoint& checkpoint) {
  const graph::ConfigReader& config = checkpoint.config();
  if (config.text_or("pack_dtype", "int32") != "int32")
    config.refuse("pack_dtype", "not supported: int32 is");
  GptqSettings settings;
  settings.bits = gptq_bits(config);
  settings.group = config.integer("group_size", -1, kLargestGroup);
  settings.zeros_minus_one = zeros_are_minus_one(config);
  settings.input_groups = config.boolean_or("desc_act", false);
  std::vector<QuantisedMatrix> matrices;
  for (const std::string& layer : checkpoint.layers_with(".qweight"))
    matrices.push_back(gptq_matrix(checkpoint, layer, overridden(checkpoint, layer, settings)));
  return matrices;
}

}  // namespace burin::runtime::quantised
