// Named tables of weight formats whose codes are places in a table instead of multiples of a step.
//
// A value is scale * table[code]. Where all values of a table are whole numbers of some 1/steps, their codes
// take part in int8 products: bytes steps * value + zero_point are looked up (pshufb) and multiplied, and the
// sum of a whole row is divided by `steps` in the end. Other tables are for f32 compute only.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace burin::kernels {

// In the order of kValueTables.
enum class TableName : std::uint8_t { none, iq4nl, e2m1, nf4, fp4, iq2, iq3xxs, iq3s, iq1 };

struct ValueTable {
  std::string_view name;  // in the text of a weight format
  int bits;               // of a code; 2^bits values are used
  int steps;              // in 1.0; 0: the values are no whole numbers of steps
  std::array<float, 16> values;

  constexpr int size() const { return 1 << bits; }
  constexpr float smallest() const { return *std::min_element(values.begin(), values.begin() + size()); }
  constexpr float largest() const { return *std::max_element(values.begin(), values.begin() + size()); }
  // What is added to the values, in steps, so that they are not negative.
  constexpr int zero_point() const { return static_cast<int>(-smallest() * static_cast<float>(steps)); }
  // The largest byte that is looked up.
  constexpr int span() const {
    return zero_point() + static_cast<int>(largest() * static_cast<float>(steps));
  }
  constexpr int byte(int code) const {
    return zero_point() +
           static_cast<int>(values[static_cast<std::size_t>(code)] * static_cast<float>(steps));
  }
  // The first code of the value closest to zero.
  constexpr int zero_code() const {
    int best = 0;
    const auto size_of = [this](int code) {
      const float value = values[static_cast<std::size_t>(code)];
      return value < 0 ? -value : value;
    };
    for (int code = 1; code < size(); ++code)
      if (size_of(code) < size_of(best)) best = code;
    return best;
  }
};

inline constexpr ValueTable kValueTables[] = {
    {"", 0, 0, {}},
    // GGUF's IQ4_NL and IQ4_XS (ggml, src/ggml-common.h: kvalues_iq4nl).
    {"iq4nl", 4, 1, {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}},
    // FP4 of the OCP Microscaling Formats (MX) Specification: sign, 2 bits of exponent, 1 of mantissa.
    {"e2m1", 4, 2, {0, .5f, 1, 1.5f, 2, 3, 4, 6, 0, -.5f, -1, -1.5f, -2, -3, -4, -6}},
    // NormalFloat: quantiles of a normal distribution (Dettmers et al., QLoRA,
    // https://arxiv.org/abs/2305.14314, appendix E).
    {"nf4",
     4,
     0,
     {-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
      -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
      0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f,
      0.7229568362236023f, 1.0f}},
    // bitsandbytes' FP4 (csrc/kernels.cu: dDequantizeFP4Tree).
    {"fp4",
     4,
     0,
     {0.0f, 0.005208333333f, 0.66666667f, 1.0f, 0.33333333f, 0.5f, 0.16666667f, 0.25f, -0.0f,
      -0.005208333333f, -0.66666667f, -1.0f, -0.33333333f, -0.5f, -0.16666667f, -0.25f}},
    // What the grids of GGUF's IQ2, IQ3 and IQ1 types hold with their signs, ascending (grids.hpp); codes
    // that no grid needs are zero.
    {"iq2", 3, 8, {-5.375f, -3.125f, -1, 1, 3.125f, 5.375f}},
    {"iq3xxs", 4, 2, {-15.5f, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5, 7, 9, 11, 13, 15.5f}},
    {"iq3s", 4, 1, {-15, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5, 7, 9, 11, 13, 15}},
    {"iq1", 3, 8, {-1.125f, -.875f, -.125f, .125f, .875f, 1.125f}},
};

constexpr const ValueTable& value_table(TableName name) {
  return kValueTables[static_cast<std::size_t>(name)];
}

// The code whose value is nearest to `value`; of two, that of the larger one.
int nearest_code(TableName name, float value);

}  // namespace burin::kernels
