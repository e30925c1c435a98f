// Which normalisation a row of activations gets before it is multiplied.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace burin::kernels {

// rms:   y = x * weight / sqrt(mean(x^2) + epsilon) (Zhang & Sennrich 2019).
// layer: y = (x - m) * weight / sqrt(mean((x - m)^2) + epsilon) + bias, m = mean(x) (Ba, Kiros & Hinton 2016).
enum class RowNorm : std::uint8_t { none, rms, layer };

void write_field(std::string& text, const RowNorm& norm);
void read_field(std::string_view text, RowNorm& norm);

}  // namespace burin::kernels
