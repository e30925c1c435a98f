// The axes that all kinds with packed weights have: weight formats and compute types.
#pragma once

#include <string>
#include <vector>

namespace burin::kernels {

// Every code (1 to 8 bits of both schemes, every table, FP8) x every group x every type of scale, NVFP4, and the floats.
std::vector<std::string> all_weight_formats();
// Without what makes no difference to the preparation of rows: one type of scale for each group, one kind of float.
std::vector<std::string> formats_of_prepared_rows();
// One format for each way of unpacking and scaling, where all of them would multiply too much.
std::vector<std::string> few_weight_formats();

// What rows are multiplied as: int8 with a scale per group, with one per row, bf16, f16, f32.
std::vector<std::string> compute_types();

}  // namespace burin::kernels
