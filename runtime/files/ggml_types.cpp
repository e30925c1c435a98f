#include "runtime/files/ggml_types.hpp"

#include <algorithm>
#include <iterator>

namespace burin::runtime {
namespace {

using enum kernels::StoredType;
constexpr std::nullopt_t kNotYet = std::nullopt;

constexpr GgmlType kTypes[] = {
    {0, "F32", 1, 4, f32},
    {1, "F16", 1, 2, f16},
    {2, "Q4_0", 32, 18, q4_0},
    {3, "Q4_1", 32, 20, q4_1},
    {6, "Q5_0", 32, 22, q5_0},
    {7, "Q5_1", 32, 24, q5_1},
    {8, "Q8_0", 32, 34, q8_0},
    {9, "Q8_1", 32, 36, kNotYet},
    {10, "Q2_K", 256, 84, q2_k},
    {11, "Q3_K", 256, 110, q3_k},
    {12, "Q4_K", 256, 144, q4_k},
    {13, "Q5_K", 256, 176, q5_k},
    {14, "Q6_K", 256, 210, q6_k},
    {15, "Q8_K", 256, 292, kNotYet},
    {16, "IQ2_XXS", 256, 66, iq2_xxs},
    {17, "IQ2_XS", 256, 74, iq2_xs},
    {18, "IQ3_XXS", 256, 98, iq3_xxs},
    {19, "IQ1_S", 256, 50, iq1_s},
    {20, "IQ4_NL", 32, 18, iq4_nl},
    {21, "IQ3_S", 256, 110, iq3_s},
    {22, "IQ2_S", 256, 82, iq2_s},
    {23, "IQ4_XS", 256, 136, iq4_xs},
    {24, "I8", 1, 1, kNotYet},
    {25, "I16", 1, 2, kNotYet},
    {26, "I32", 1, 4, kNotYet},
    {27, "I64", 1, 8, kNotYet},
    {28, "F64", 1, 8, kNotYet},
    {29, "IQ1_M", 256, 56, iq1_m},
    {30, "BF16", 1, 2, bf16},
    {34, "TQ1_0", 256, 54, tq1_0},
    {35, "TQ2_0", 256, 66, tq2_0},
    {39, "MXFP4", 32, 17, mxfp4},
};

}  // namespace

const GgmlType* find_ggml_type(std::uint32_t id) {
  const auto* at =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const GgmlType& t) { return t.id == id; });
  return at == std::end(kTypes) ? nullptr : at;
}

const GgmlType* find_ggml_type(kernels::StoredType type) {
  const auto* at =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const GgmlType& t) { return t.stored == type; });
  return at == std::end(kTypes) ? nullptr : at;
}

}  // namespace burin::runtime
