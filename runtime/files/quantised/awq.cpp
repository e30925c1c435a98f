// Of a matrix of N outputs and K inputs, in groups of G inputs:
//
//   qweight  [K, N / 8]        a word has one input's codes of 8 outputs, from its lowest bits on those of output
//                              0, 2, 4, 6, 1, 3, 5, 7
//   qzeros   [K / G, N / 8]    likewise; zero points as they are
//   scales   [K / G, N]
//
//   weight = scales[g][n] * (code - zero[g][n])
#include "runtime/files/quantised/awq.hpp"

#include "jit/error.hpp"
#include "runtime/files/quantised/integer_matrix.hpp"
#include "runtime/files/quantised/methods.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr int kBits = 4;
constexpr std::int64_t kPerWord = 32 / kBits;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

}  // namespace

QuantisedMatrix awq_matrix(const Checkpoint& checkpoint, const std::string& layer, std::int64_t group) {
  const StoredTensor codes = checkpoint.require_matrix(layer + ".qweight", {"I32", "U32"});
  const std::int64_t words = codes.shape()[1];
  IntegerLayout layout;
  layout.layer = layer;
  layout.bits = kBits;
  layout.inputs = codes.shape()[0];
  layout.outputs = words * kPerWord;
  layout.group = group_of_settings(checkpoint, layer, group, layout.inputs);
  layout.codes = {codes.data.data(), kBits, words * 4};
  layout.turned = true;
  layout.output_order = OutputOrder::awq;
  std::vector<std::string> others;
  // Without zero points (zero_point: false) some tools store them nevertheless.
  if (const std::string name = layer + ".qzeros";
      checkpoint.has(name) || checkpoint.config().boolean_or("zero_point", true)) {
    const StoredTensor zeros = checkpoint.require(name, {"I32", "U32"}, {layout.groups(), words});
    layout.zeros = {zeros.data.data(), kBits, words * 4};
    others.push_back(name);
  }
  return qweight_matrix(checkpoint, std::move(layout), std::move(others));
}

std::vector<QuantisedMatrix> read_awq(const Checkpoint& checkpoint) {
  const graph::ConfigReader& config = checkpoint.config();
  if (lower(config.text_or("version", "gemm")) != "gemm")
    config.refuse("version", "this layout is not supported: gemm is");
  const std::string_view bits = config.has("w_bit") ? "w_bit" : "bits";
  if (config.integer(bits, 1, 64) != kBits) config.refuse(bits, "not supported in this layout: 4 is");
  const std::string_view group = config.has("q_group_size") ? "q_group_size" : "group_size";
  const std::int64_t inputs = config.integer(group, -1, std::int64_t{1} << 31);
  std::vector<QuantisedMatrix> matrices;
  for (const std::string& layer : checkpoint.layers_with(".qweight"))
    matrices.push_back(awq_matrix(checkpoint, layer, inputs));
  return matrices;
}

}  // namespace burin::runtime::quantised
