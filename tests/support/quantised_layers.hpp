// Made-up integer layers, and how each quantised Hugging Face layout writes them: the plainest code there is, bit by
// bit, so that it has nothing in common with what reads them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/random_values.hpp"
#include "tests/support/safetensors_writer.hpp"

namespace burin::tests {

// A row of words as a row of bits, the lowest of word 0 first.
class BitStream {
 public:
  explicit BitStream(std::size_t words) : bits_(words * 32, false) {}
  void put(std::int64_t first, int count, unsigned number) {
    for (int bit = 0; bit < count; ++bit)
      bits_.at(static_cast<std::size_t>(first + bit)) = (number >> bit & 1) != 0;
  }
  std::uint32_t word(std::size_t index) const {
    std::uint32_t word = 0;
    for (std::size_t bit = 0; bit < 32; ++bit) word |= std::uint32_t{bits_[index * 32 + bit]} << bit;
    return word;
  }

 private:
  std::vector<bool> bits_;
};

// [rows][columns] of words.
struct WordMatrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<std::uint32_t> words = std::vector<std::uint32_t>(static_cast<std::size_t>(rows * columns));

  std::uint32_t& at(std::int64_t row, std::int64_t column) {
    return words[static_cast<std::size_t>(row * columns + column)];
  }
  std::string bytes() const {
    std::string all;
    for (const std::uint32_t word : words) append_value(all, word);
    return all;
  }
  void add_to(SafetensorsWriter& file, const std::string& name) const {
    file.add(name, "I32", {rows, columns}, bytes());
  }
};

// weight[o][i] = scale[o][g] * (code[o][i] - zero[o][g]), g the group of input i.
struct IntegerLayer {
  int bits = 4;
  std::int64_t outputs = 0;
  std::int64_t inputs = 0;
  std::int64_t group = 0;
  std::vector<unsigned> codes;      // [outputs][inputs]
  std::vector<unsigned> zeros;      // [outputs][groups]
  std::vector<float> scales;        // likewise; exact in f16 and bf16
  std::vector<std::int32_t> g_idx;  // [inputs]

  std::int64_t groups() const { return (inputs + group - 1) / group; }
  std::size_t group_index(std::int64_t output, std::int64_t number) const {
    return static_cast<std::size_t>(output * groups() + number);
  }
  unsigned code(std::int64_t output, std::int64_t input) const {
    return codes[static_cast<std::size_t>(output * inputs + input)];
  }
  float weight(std::int64_t output, std::int64_t input) const {
    const std::size_t at = group_index(output, g_idx[static_cast<std::size_t>(input)]);
    return scales[at] * (static_cast<float>(code(output, input)) - static_cast<float>(zeros[at]));
  }
  std::vector<float> weights() const {
    std::vector<float> all;
    for (std::int64_t output = 0; output < outputs; ++output)
      for (std::int64_t input = 0; input < inputs; ++input) all.push_back(weight(output, input));
    return all;
  }
  void make_symmetric() { std::fill(zeros.begin(), zeros.end(), 1u << (bits - 1)); }
  // Groups of inputs from all over the row.
  void shuffle_groups(std::uint64_t seed) {
    RandomValues random(seed);
    for (std::size_t i = g_idx.size() - 1; i > 0; --i)
      std::swap(g_idx[i], g_idx[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i) + 1))]);
  }
  // Numbers of all outputs and groups, groups in rows.
  std::vector<float> scales_by_group() const {
    std::vector<float> turned;
    for (std::int64_t number = 0; number < groups(); ++number)
      for (std::int64_t output = 0; output < outputs; ++output)
        turned.push_back(scales[group_index(output, number)]);
    return turned;
  }
};

inline IntegerLayer random_layer(int bits, std::int64_t outputs, std::int64_t inputs, std::int64_t group,
                                 std::uint64_t seed) {
  IntegerLayer layer = {bits, outputs, inputs, group, {}, {}, {}, {}};
  RandomValues random(seed);
  const auto number = [&] { return static_cast<unsigned>(random.below(std::int64_t{1} << bits)); };
  for (std::int64_t i = 0; i < outputs * inputs; ++i) layer.codes.push_back(number());
  for (std::int64_t i = 0; i < outputs * layer.groups(); ++i) {
    layer.zeros.push_back(number());
    layer.scales.push_back(static_cast<float>(1 + random.below(100)) * 0x1p-10f);
  }
  for (std::int64_t i = 0; i < inputs; ++i) layer.g_idx.push_back(static_cast<std::int32_t>(i / group));
  return layer;
}

inline std::int64_t dense_words(std::int64_t numbers, int bits) { return (numbers * bits + 31) / 32; }

// A stream of all numbers as a row of words; stored(i) is number i.
template <typename Number>
void put_row(WordMatrix& matrix, std::int64_t row, std::int64_t count, int bits, const Number& number) {
  BitStream stream(static_cast<std::size_t>(matrix.columns));
  for (std::int64_t i = 0; i < count; ++i) stream.put(i * bits, bits, number(i));
  for (std::int64_t word = 0; word < matrix.columns; ++word)
    matrix.at(row, word) = stream.word(static_cast<std::size_t>(word));
}
template <typename Number>
void put_column(WordMatrix& matrix, std::int64_t column, std::int64_t count, int bits, const Number& number) {
  BitStream stream(static_cast<std::size_t>(matrix.rows));
  for (std::int64_t i = 0; i < count; ++i) stream.put(i * bits, bits, number(i));
  for (std::int64_t word = 0; word < matrix.rows; ++word)
    matrix.at(word, column) = stream.word(static_cast<std::size_t>(word));
}

enum class GptqZeros { as_they_are, minus_one };

// Zero points minus one: of 3 bits one by one, else of whole words, where 0 borrows from the next number.
inline void write_gptq(SafetensorsWriter& file, const std::string& name, const IntegerLayer& layer,
                       GptqZeros stored, kernels::StoredType scales = kernels::StoredType::f16,
                       bool with_g_idx = true) {
  WordMatrix codes{dense_words(layer.inputs, layer.bits), layer.outputs};
  for (std::int64_t output = 0; output < layer.outputs; ++output)
    put_column(codes, output, layer.inputs, layer.bits,
               [&](std::int64_t i) { return layer.code(output, i); });
  WordMatrix zeros{layer.groups(), dense_words(layer.outputs, layer.bits)};
  const bool minus_one = stored == GptqZeros::minus_one;
  const unsigned mask = (1u << layer.bits) - 1;
  for (std::int64_t group = 0; group < layer.groups(); ++group)
    put_row(zeros, group, layer.outputs, layer.bits, [&](std::int64_t output) {
      const unsigned zero = layer.zeros[layer.group_index(output, group)];
      return minus_one && layer.bits == 3 ? (zero + 7) & mask : zero;
    });
  if (minus_one && layer.bits != 3)
    for (std::uint32_t& word : zeros.words)
      for (int bit = 0; bit < 32; bit += layer.bits) word -= std::uint32_t{1} << bit;
  codes.add_to(file, name + ".qweight");
  zeros.add_to(file, name + ".qzeros");
  file.add_floats(name + ".scales", scales, {layer.groups(), layer.outputs}, layer.scales_by_group());
  if (!with_g_idx) return;
  std::string groups;
  for (const std::int32_t group : layer.g_idx) append_value(groups, group);
  file.add(name + ".g_idx", "I32", {layer.inputs}, groups);
}

inline void write_awq(SafetensorsWriter& file, const std::string& name, const IntegerLayer& layer,
                      bool with_zeros = true) {
  const int order[] = {0, 2, 4, 6, 1, 3, 5, 7};
  const auto packed = [&](std::int64_t rows, const auto& number) {
    WordMatrix matrix{rows, layer.outputs / 8};
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t word = 0; word < matrix.columns; ++word)
        for (int place = 0; place < 8; ++place)
          matrix.at(row, word) |= number(row, word * 8 + order[place]) << (4 * place);
    return matrix;
  };
  packed(layer.inputs, [&](std::int64_t input, std::int64_t output) {
    return layer.code(output, input);
  }).add_to(file, name + ".qweight");
  if (with_zeros)
    packed(layer.groups(), [&](std::int64_t group, std::int64_t output) {
      return layer.zeros[layer.group_index(output, group)];
    }).add_to(file, name + ".qzeros");
  file.add_floats(name + ".scales", kernels::StoredType::f16, {layer.groups(), layer.outputs},
                  layer.scales_by_group());
}

// per_word: 0 for numbers that run on across words.
inline void write_compressed(SafetensorsWriter& file, const std::string& name, const IntegerLayer& layer,
                             bool symmetric, int per_word = 0, bool with_g_idx = false) {
  const auto words = [&](std::int64_t numbers) {
    return per_word == 0 ? dense_words(numbers, layer.bits) : (numbers + per_word - 1) / per_word;
  };
  const auto place = [&](std::int64_t number) {
    return per_word == 0 ? number * layer.bits : number / per_word * 32 + number % per_word * layer.bits;
  };
  WordMatrix codes{layer.outputs, words(layer.inputs)};
  for (std::int64_t output = 0; output < layer.outputs; ++output) {
    BitStream stream(static_cast<std::size_t>(codes.columns));
    for (std::int64_t i = 0; i < layer.inputs; ++i) stream.put(place(i), layer.bits, layer.code(output, i));
    for (std::int64_t word = 0; word < codes.columns; ++word)
      codes.at(output, word) = stream.word(static_cast<std::size_t>(word));
  }
  codes.add_to(file, name + ".weight_packed");
  file.add_floats(name + ".weight_scale", kernels::StoredType::bf16, {layer.outputs, layer.groups()},
                  layer.scales);
  file.add(name + ".weight_shape", "I64", {2}, value_bytes(layer.outputs) + value_bytes(layer.inputs));
  if (with_g_idx) {
    std::string groups;
    for (const std::int32_t group : layer.g_idx) append_value(groups, group);
    file.add(name + ".weight_g_idx", "I32", {layer.inputs}, groups);
  }
  if (symmetric) return;
  WordMatrix zeros{words(layer.outputs), layer.groups()};
  for (std::int64_t group = 0; group < layer.groups(); ++group) {
    BitStream stream(static_cast<std::size_t>(zeros.rows));
    for (std::int64_t o = 0; o < layer.outputs; ++o)
      stream.put(place(o), layer.bits, layer.zeros[layer.group_index(o, group)]);
    for (std::int64_t word = 0; word < zeros.rows; ++word)
      zeros.at(word, group) = stream.word(static_cast<std::size_t>(word));
  }
  zeros.add_to(file, name + ".weight_zero_point");
}

}  // namespace burin::tests
