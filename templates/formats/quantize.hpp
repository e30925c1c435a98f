// Round-to-nearest quantisation of groups of floats.
#pragma once

#include <cstdint>
#include <span>

#include "templates/formats/superblock.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

// Codes, scale and minimum of one group, in the format's number types (scale and minimum as stored bits:
// f32, f16/bf16 in the low half, or e8m0 in the lowest byte).
struct QuantizedGroup {
  std::uint32_t scale = 0;
  std::uint32_t minimum = 0;
};

// Symmetric: the value of largest magnitude gets the code at the far end of the range (code 0), as ggml's
// Q4_0 does; 8 bits use largest/127 and codes 1..255, as Q8_0 does. 1 bit: codes are -scale and 0, so the
// scale is what keeps the squared error least. Tables: the value of largest magnitude gets the table's
// largest, all others the nearest; likewise fp8. e8m0 scales are the largest power of two that leaves the largest value
// below 8/6 of the table's, as the MX specification has it. Asymmetric: scale and minimum span the group. The
// scale is rounded to its type before codes are computed. Throws burin::Error for values that are not finite
// or whose scale overflows the scale type, naming the place in the group.
// values.size() codes are written. Where the format has factors, values are divided by theirs before.
QuantizedGroup quantize_group(const WeightFormat& format, std::span<const float> values, std::uint8_t* codes);

// The same for up to 256 floats of a two-level format. Every group's scale is found as above and rounded to
// the 127 steps of a common f16 one, its minimum (at most zero) to 255; codes are rounded after that. Groups
// past the values are zero.
void quantize_superblock(const WeightFormat& format, std::span<const float> values, Superblock& out);

// The float that stored scale bits stand for, and back (round to nearest even).
float scale_value(ScaleType type, std::uint32_t bits);
std::uint32_t scale_bits(ScaleType type, float value);

}  // namespace burin::kernels
