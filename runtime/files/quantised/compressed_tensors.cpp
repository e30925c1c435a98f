// compressed-tensors, what llm-compressor and vLLM's tools write: weights only; activations are not rounded as their
// settings may ask for. Of a matrix of N outputs and K inputs:
//
//   pack-quantized    weight_packed      [N, K * bits / 32]   each row of words is a stream, along the inputs
//                     weight_scale       [N, K / G]
//                     weight_zero_point  [N * bits / 32, K / G]   each column is a stream, along the outputs
//                     weight_shape       [2]: N, K
//                     weight_g_idx       [K]                  group of each input (actorder "group")
//   int-quantized     weight             [N, K] of I8, weight_scale [N, 1] or [N, K / G]
//   float-quantized   weight             [N, K] of F8_E4M3, weight_scale (fp8.hpp)
//   nvfp4-pack-quantized, mxfp4-pack-quantized   weight_packed, weight_scale (nvfp4.hpp, mxfp4.hpp)
//
// Packed numbers, zero points too, have 2^(bits - 1) added. 3 bits run on across words since version 0.18; before, a
// word had 10 numbers. Source: https://github.com/vllm-project/compressed-tensors, checked against its files.
#include "jit/error.hpp"
#include "runtime/files/quantised/fp8.hpp"
#include "runtime/files/quantised/group_order.hpp"
#include "runtime/files/quantised/integer_matrix.hpp"
#include "runtime/files/quantised/layer_pattern.hpp"
#include "runtime/files/quantised/methods.hpp"
#include "runtime/files/quantised/mxfp4.hpp"
#include "runtime/files/quantised/nvfp4.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::int64_t kLargestGroup = std::int64_t{1} << 31;

bool names_layer(const Checkpoint& checkpoint, const std::string& target, const std::string& layer) {
  if (!target.starts_with("re:")) return target == layer;
  return matches_beginning(target.substr(3), layer,
                           checkpoint.description().path + ": quantization_config.config_groups");
}

// The group of config_groups whose targets name the layer; else the one for all "Linear".
const nlohmann::json& group_for(const Checkpoint& checkpoint, const std::string& layer) {
  const nlohmann::json& json = checkpoint.json();
  const auto groups = json.find("config_groups");
  if (groups == json.end() || !groups->is_object())
    checkpoint.config().refuse("config_groups", "must be an object");
  const nlohmann::json* general = nullptr;
  for (const auto& [name, group] : groups->items()) {
    if (!group.is_object() || !group.contains("targets") || !group["targets"].is_array())
      checkpoint.config().refuse("config_groups", fmt::format("{} has no list of targets", printable(name)));
    for (const nlohmann::json& target : group["targets"]) {
      if (!target.is_string()) checkpoint.config().refuse("config_groups", "targets must be texts");
      const auto& text = target.get_ref<const std::string&>();
      if (names_layer(checkpoint, text, layer)) return group;
      if (text == "Linear") general = &group;
    }
  }
  if (general == nullptr)
    checkpoint.config().refuse("config_groups", "no group has " + printable(layer) + " for a target");
  return *general;
}

// How a layer's weights are quantised.
struct Scheme {
  std::string format;
  std::string type;  // int or float
  std::string strategy;
  int bits = 0;
  std::int64_t group = -1;
  bool symmetric = true;
};

Scheme scheme_of(const Checkpoint& checkpoint, const std::string& layer) {
  const graph::ConfigReader group(checkpoint.description(), group_for(checkpoint, layer),
                                  fmt::format("quantization_config.config_groups ({}) ", printable(layer)));
  const std::optional<graph::ConfigReader> weights = group.object("weights");
  if (!weights) group.refuse("weights", "must be an object");
  Scheme scheme;
  scheme.format = group.text_or("format", checkpoint.config().text_or("format", ""));
  scheme.type = weights->text_or("type", "int");
  scheme.strategy = weights->text_or("strategy", "tensor");
  scheme.bits = static_cast<int>(weights->integer("num_bits", 1, 64));
  scheme.symmetric = weights->boolean_or("symmetric", true);
  if (scheme.type != "int" && scheme.type != "float")
    weights->refuse("type", "not supported: int and float are");
  if (scheme.strategy == "group")
    scheme.group = weights->integer("group_size", 1, kLargestGroup);
  else if (scheme.type == "int" && scheme.strategy != "channel")
    weights->refuse("strategy", "not supported for integers: group and channel are");
  // What is packed as pairs of nibbles has groups of its own.
  if (scheme.type == "float" && scheme.bits == 4) return scheme;
  if (scheme.type == "int" && (scheme.bits < 2 || scheme.bits > 8))
    weights->refuse("num_bits", "not supported: 2 to 8 are");
  if (scheme.type == "float" && scheme.bits != 8)
    weights->refuse("num_bits", "not supported for floats: 4 and 8 are");
  return scheme;
}

[[noreturn]] void refuse_format(const Checkpoint& checkpoint, const Scheme& scheme,
                                const std::string& layer) {
  checkpoint.config().refuse(
      "format", fmt::format("{} is stored as '{}' of {}: not supported: pack-quantized, int-quantized, "
                            "float-quantized, nvfp4-pack-quantized and mxfp4-pack-quantized are",
                            printable(layer), printable(scheme.format), scheme.type));
}

std::int64_t words_of(std::int64_t numbers, int bits, int per_word) {
  return per_word == 0 ? (numbers * bits + 31) / 32 : (numbers + per_word - 1) / per_word;
}

// Inputs of the matrix whose outputs are `outputs`.
std::int64_t stated_inputs(const Checkpoint& checkpoint, const std::string& layer, std::int64_t outputs) {
  const std::string name = layer + ".weight_shape";
  const StoredTensor stored = checkpoint.require(name, {"I64"}, {2});
  std::int64_t shape[2];
  std::memcpy(shape, stored.data.data(), sizeof(shape));
  if (shape[0] != outputs || shape[1] < 1 || shape[1] >= kLargestGroup)
    checkpoint.refuse(name,
                      fmt::format("is [{}, {}]: weight_packed has {} rows", shape[0], shape[1], outputs));
  return shape[1];
}

void set_scales(const Checkpoint& checkpoint, IntegerLayout& layout) {
  const StoredTensor scales = checkpoint.require(layout.layer + ".weight_scale", {"F16", "BF16", "F32"},
                                                 {layout.outputs, layout.groups()});
  layout.scales = {scales.data.data(), scale_type(scales), layout.groups(), 1};
}

QuantisedMatrix packed(const Checkpoint& checkpoint, const std::string& layer, const Scheme& scheme) {
  const std::string name = layer + ".weight_packed";
  const StoredTensor codes = checkpoint.require_matrix(name, {"I32", "U32"});
  IntegerLayout layout;
  layout.layer = layer;
  layout.bits = scheme.bits;
  layout.outputs = codes.shape()[0];
  layout.inputs = stated_inputs(checkpoint, layer, layout.outputs);
  layout.group = group_of_settings(checkpoint, layer, scheme.group, layout.inputs);
  const std::int64_t words = codes.shape()[1];
  const int whole = 32 / scheme.bits;
  const int per_word = words == words_of(layout.inputs, scheme.bits, 0) ? 0 : whole;
  if (words != words_of(layout.inputs, scheme.bits, per_word))
    checkpoint.refuse(name, fmt::format("has {} words in a row: {} inputs of {} bits take {}", words,
                                        layout.inputs, scheme.bits, words_of(layout.inputs, scheme.bits, 0)));
  layout.codes = {codes.data.data(), scheme.bits, words * 4, 4, per_word};
  std::vector<std::string> others = {layer + ".weight_shape", layer + ".weight_scale"};
  set_scales(checkpoint, layout);
  if (!scheme.symmetric) {
    const std::string zero_point = layer + ".weight_zero_point";
    const StoredTensor zeros = checkpoint.require(
        zero_point, {"I32", "U32"}, {words_of(layout.outputs, scheme.bits, per_word), layout.groups()});
    layout.zeros = {zeros.data.data(), scheme.bits, 4, layout.groups() * 4, per_word};
    others.push_back(zero_point);
  }
  if (const std::string g_idx = layer + ".weight_g_idx"; checkpoint.has(g_idx)) {
    layout.order = group_order(checkpoint, g_idx, layout.inputs, layout.group);
    others.push_back(g_idx);
  }
  QuantisedMatrix matrix = integer_matrix(checkpoint, std::move(layout));
  matrix.codes = name;
  matrix.others = std::move(others);
  return matrix;
}

QuantisedMatrix plain_int8(const Checkpoint& checkpoint, const std::string& layer, const Scheme& scheme) {
  const std::string name = layer + ".weight";
  IntegerLayout layout = byte_layout(checkpoint, layer);
  if (checkpoint.has(layer + ".weight_zero_point") || !scheme.symmetric)
    checkpoint.refuse(name, "has zero points: not supported for int-quantized: pack-quantized may have them");
  layout.group = group_of_settings(checkpoint, layer, scheme.group, layout.inputs);
  set_scales(checkpoint, layout);
  QuantisedMatrix matrix = integer_matrix(checkpoint, std::move(layout));
  matrix.codes = name;
  matrix.others = {layer + ".weight_scale"};
  return matrix;
}

}  // namespace

std::vector<QuantisedMatrix> read_compressed_tensors(const Checkpoint& checkpoint) {
  std::vector<QuantisedMatrix> matrices;
  for (const std::string& layer : checkpoint.layers_with(".weight_packed")) {
    const Scheme scheme = scheme_of(checkpoint, layer);
    const bool floats = scheme.type == "float" && scheme.bits == 4;
    if (floats && scheme.format == "nvfp4-pack-quantized")
      matrices.push_back(nvfp4_matrix(checkpoint, layer, kCompressedNvfp4));
    else if (floats && scheme.format == "mxfp4-pack-quantized")
      matrices.push_back(mxfp4_matrix(checkpoint, layer));
    else if (scheme.type == "int" && scheme.format == "pack-quantized")
      matrices.push_back(packed(checkpoint, layer, scheme));
    else
      refuse_format(checkpoint, scheme, layer);
  }
  for (const std::string& layer : checkpoint.layers_with(".weight_scale")) {
    if (checkpoint.has(layer + ".weight_packed")) continue;
    const Scheme scheme = scheme_of(checkpoint, layer);
    const bool naive = scheme.format == "naive-quantized";
    if (scheme.type == "int" && scheme.bits == 8 && (naive || scheme.format == "int-quantized"))
      matrices.push_back(plain_int8(checkpoint, layer, scheme));
    else if (scheme.type == "float" && (naive || scheme.format == "float-quantized"))
      matrices.push_back(fp8_matrix(checkpoint, layer, ".weight_scale"));
    else
      refuse_format(checkpoint, scheme, layer);
  }
  return matrices;
}

}  // namespace burin::runtime::quantised
