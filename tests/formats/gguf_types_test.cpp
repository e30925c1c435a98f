// Rows of real files, written by llama.cpp's quantiser, against their published dequantised values.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "runtime/files/model_file.hpp"
#include "templates/formats/packing.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTensor = "blk.0.ffn_down.weight";
constexpr std::int64_t kRows = 4;

std::vector<float> read_floats(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

class GgufTypes : public testing::TestWithParam<const char*> {};

TEST_P(GgufTypes, RowsEqualTheReference) {
  const fs::path folder = fs::path(BURIN_REFERENCE_DATA) / "gguf-types";
  const std::string type = GetParam();
  if (!fs::is_directory(folder)) GTEST_SKIP() << "skipped: no folder " << folder;

  const auto file = ModelFile::open(folder / ("ggufbase-" + type + ".gguf"));
  const std::ptrdiff_t index = file->description().find(kTensor);
  ASSERT_GE(index, 0);
  const graph::TensorDescription& tensor = file->description().tensors[static_cast<std::size_t>(index)];
  ASSERT_EQ(tensor.type_name, type);
  ASSERT_TRUE(tensor.type.has_value());

  const std::vector<float> reference = read_floats(folder / (type + ".ffn_down0.rows0-3.f32"));
  ASSERT_EQ(tensor.shape.size(), 2u);
  const std::int64_t columns = tensor.shape[1];
  ASSERT_EQ(reference.size(), static_cast<std::size_t>(kRows * columns));

  std::vector<float> values(reference.size());
  kernels::stored_row_to_f32(*tensor.type, file->tensor_data(static_cast<std::size_t>(index)).data(),
                             kRows * columns, values.data());
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(values[i], reference[i]) << "row " << static_cast<std::int64_t>(i) / columns << " column "
                                       << static_cast<std::int64_t>(i) % columns;
}

// There is no F32 file: what its values are needs no proof beyond stored_types_test.
INSTANTIATE_TEST_SUITE_P(Types, GgufTypes,
                         testing::Values("F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K",
                                         "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4", "TQ1_0",
                                         "TQ2_0", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S",
                                         "IQ1_M"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace burin::runtime
