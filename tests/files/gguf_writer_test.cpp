// What the writer writes, the reader reads.
#include "runtime/files/gguf_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/files/gguf_file.hpp"
#include "runtime/synthetic/file.hpp"
#include "runtime/synthetic/random_blocks.hpp"
#include "templates/formats/packing.hpp"
#include "templates/formats/stored_rows.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

using kernels::StoredType;
using testing::HasSubstr;

graph::TensorDescription tensor_of(const std::string& name, StoredType type,
                                   std::vector<std::int64_t> shape) {
  const kernels::StoredLayout& layout = kernels::layout_of(type);
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return {name, std::string(layout.name), type, std::move(shape),
          static_cast<std::uint64_t>(count / layout.elements * layout.bytes)};
}

TEST(GgufWriter, ReadersSeeWhatWasWritten) {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.gguf";
  GgufMetadata metadata;
  metadata.add("general.architecture", "none");
  metadata.add("whole", std::uint32_t{4000000000});
  metadata.add("number", 0.5f);
  metadata.add("yes", true);
  metadata.add("texts", std::vector<std::string>{"", "b\n"});
  metadata.add("floats", std::vector<float>{1, -2});
  metadata.add("integers", std::vector<std::int32_t>{-3, 4});
  // The first is larger than a piece and no multiple of the alignment.
  const std::vector<graph::TensorDescription> tensors = {tensor_of("big", StoredType::f16, {3, 30001}),
                                                         tensor_of("codes", StoredType::q4_0, {2, 64})};
  const std::uint64_t bytes = write_gguf(
      path, metadata, tensors,
      [&](const graph::TensorDescription& tensor, std::uint64_t offset, std::span<std::byte> piece) {
        for (std::size_t i = 0; i < piece.size(); ++i)
          piece[i] = static_cast<std::byte>((offset + i) * (tensor.name == "big" ? 7 : 11));
      });
  const std::string file_bytes = tests::read_bytes(path);
  ASSERT_EQ(bytes, file_bytes.size());
  const GgufFile file(path, std::as_bytes(std::span(file_bytes)));
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.integer("whole"), 4000000000);
  EXPECT_EQ(file.number("number"), 0.5);
  EXPECT_EQ(file.boolean("yes"), true);
  EXPECT_EQ(file.texts("texts"), (std::vector<std::string_view>{"", "b\n"}));
  EXPECT_EQ(file.floats("floats"), (std::vector<float>{1, -2}));
  EXPECT_EQ(file.integers("integers"), (std::vector<std::int64_t>{-3, 4}));
  ASSERT_EQ(file.tensors().size(), 2u);
  for (const GgufTensor& tensor : file.tensors()) {
    const bool big = tensor.name == "big";
    EXPECT_EQ(tensor.shape, tensors[big ? 0 : 1].shape);
    ASSERT_EQ(tensor.bytes, tensors[big ? 0 : 1].bytes);
    for (std::uint64_t i = 0; i < tensor.bytes; ++i)
      ASSERT_EQ(file_bytes[tensor.offset + i], static_cast<char>(i * (big ? 7 : 11)))
          << tensor.name << " " << i;
  }
}

TEST(GgufWriter, WhatCannotBeWrittenIsSaidAndLeavesNothing) {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "missing/a.gguf";
  EXPECT_THAT(tests::refusal_of([&] { write_gguf(path, {}, {}, {}); }), HasSubstr(path));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// Of every type there is: numbers, none zero throughout, none far from what trained weights are.
TEST(RandomBlocks, AreLikeTrainedWeights) {
  int types = 0;
  for (int i = 0; i <= static_cast<int>(StoredType::iq1_m); ++i) {
    const auto type = static_cast<StoredType>(i);
    if (!has_random_blocks(type)) continue;
    ++types;
    std::vector<std::byte> row(1024 / static_cast<std::size_t>(kernels::layout_of(type).elements) *
                               static_cast<std::size_t>(kernels::layout_of(type).bytes));
    fill_random_blocks(type, 3, row);
    std::vector<float> values(1024);
    kernels::StoredFloats floats;
    floats.read({row.data(), type, 1, 1024}, 0, 0, 1024, 0, values.data());
    const auto largest = *std::max_element(values.begin(), values.end());
    EXPECT_GT(largest, 0.01f) << kernels::layout_of(type).name;
    EXPECT_LT(largest, 0.5f) << kernels::layout_of(type).name;
    EXPECT_EQ(stored_type_of(kernels::natural_format(type)), type) << kernels::layout_of(type).name;
  }
  EXPECT_EQ(types, 16);
}

}  // namespace
}  // namespace burin::runtime
