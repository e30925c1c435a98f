// The axes that all kinds with packed weights have: weight formats and compute types.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace burin::kernels {

// `text` is what the field is in a kernel's name, `name` what it is in a row's: they differ in groups that are the
// whole row, of which one writes the length.
struct NamedFormat {
  std::string name;
  std::string text;
};

// Every code (1 to 8 bits of both schemes, every table, FP8) x every group x every type of scale, and the floats.
std::vector<NamedFormat> all_weight_formats(std::int64_t inputs);
// Without what makes no difference to the preparation of rows: one type of scale for each group, one kind of float.
std::vector<NamedFormat> formats_of_prepared_rows(std::int64_t inputs);
// One format for each way of unpacking and scaling, where all of them would multiply too much.
std::vector<NamedFormat> few_weight_formats();

// What rows are multiplied as: int8 with a scale per group, with one per row, bf16, f16, f32.
std::vector<std::string> compute_types();

}  // namespace burin::kernels
