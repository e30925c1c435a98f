// Lets a weight format be a field of a kernel spec (see jit/spec_text.hpp).
#pragma once

#include <string>
#include <string_view>

#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

inline void write_field(std::string& text, const WeightFormat& format) { text += to_text(format); }
inline void read_field(std::string_view text, WeightFormat& format) { format = parse_weight_format(text); }

}  // namespace burin::kernels
