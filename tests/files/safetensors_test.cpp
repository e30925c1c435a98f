// Reading safetensors files that are right: types, shapes, metadata, layout.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/files/safetensors_file.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"

namespace burin::tests {
namespace {

using kernels::StoredType;
using runtime::read_safetensors;
using runtime::SafetensorsFile;
using runtime::SafetensorsTensor;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const SafetensorsTensor& tensor_named(const SafetensorsFile& file, std::string_view name) {
  for (const SafetensorsTensor& tensor : file.tensors)
    if (tensor.description.name == name) return tensor;
  throw std::out_of_range(std::string(name));
}

TEST(Safetensors, FloatsAreRead) {
  const std::vector<float> values = {1, -2, 0.5f, 0, 3, 4};
  SafetensorsWriter writer;
  for (const StoredType type : {StoredType::f32, StoredType::f16, StoredType::bf16})
    writer.add_floats(std::string(kernels::layout_of(type).name), type, {2, 3}, values);
  const std::string bytes = writer.bytes();
  const SafetensorsFile file = read_safetensors("a.safetensors", as_bytes(bytes));
  EXPECT_EQ(file.tensors.size(), 3u);
  for (const StoredType type : {StoredType::f32, StoredType::f16, StoredType::bf16}) {
    const SafetensorsTensor& tensor = tensor_named(file, kernels::layout_of(type).name);
    EXPECT_EQ(tensor.description.type, type);
    EXPECT_EQ(tensor.description.type_name, tensor.description.name);
    EXPECT_THAT(tensor.description.shape, ElementsAre(2, 3));
    const std::string stored = stored_bytes(type, values);
    ASSERT_EQ(tensor.description.bytes, stored.size());
    ASSERT_EQ(tensor.data.size(), stored.size());
    EXPECT_EQ(std::memcmp(tensor.data.data(), stored.data(), stored.size()), 0);
  }
}

TEST(Safetensors, TypesThatCannotBePackedKeepTheirSize) {
  const std::pair<const char*, std::size_t> types[] = {
      {"F64", 64}, {"I64", 64}, {"U64", 64}, {"I32", 32}, {"U32", 32},    {"I16", 16},   {"U16", 16},
      {"I8", 8},   {"U8", 8},   {"BOOL", 8}, {"F4", 4},   {"F8_E4M3", 8}, {"F8_E5M2", 8}};
  SafetensorsWriter writer;
  for (const auto& [name, bits] : types) writer.add(name, name, {2, 4}, std::string(bits, '\x01'));
  const std::string bytes = writer.bytes();
  const SafetensorsFile file = read_safetensors("a.safetensors", as_bytes(bytes));
  for (const auto& [name, bits] : types) {
    EXPECT_EQ(tensor_named(file, name).description.type, std::nullopt) << name;
    EXPECT_EQ(tensor_named(file, name).description.bytes, bits) << name;
  }
}

TEST(Safetensors, ScalarsAndEmptyTensorsAreRead) {
  SafetensorsWriter writer;
  writer.add("empty", "F32", {0, 7}, "");
  writer.add("scalar", "F32", {}, value_bytes(2.5f));
  writer.add("also empty", "F16", {0}, "");
  writer.add("vector", "F16", {1}, "ab");
  const std::string bytes = writer.bytes();
  const SafetensorsFile file = read_safetensors("a.safetensors", as_bytes(bytes));
  EXPECT_THAT(tensor_named(file, "scalar").description.shape, IsEmpty());
  EXPECT_EQ(tensor_named(file, "scalar").data.size(), 4u);
  EXPECT_THAT(tensor_named(file, "empty").description.shape, ElementsAre(0, 7));
  EXPECT_EQ(tensor_named(file, "empty").data.size(), 0u);
}

TEST(Safetensors, OrderInHeaderNeedNotBeOrderOfData) {
  const std::string bytes = safetensors_bytes(
      R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [3, 5]},
          "b": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}}   )",
      "12345");
  const SafetensorsFile file = read_safetensors("a.safetensors", as_bytes(bytes));
  EXPECT_EQ(tensor_named(file, "a").data[0], std::byte{'4'});
  EXPECT_EQ(tensor_named(file, "b").data[0], std::byte{'1'});
}

TEST(Safetensors, MetadataIsRead) {
  SafetensorsWriter writer;
  writer.header["__metadata__"] = {{"format", "pt"}, {"lm_head.weight", "model.embed_tokens.weight"}};
  const std::string bytes = writer.bytes();
  const SafetensorsFile file = read_safetensors("a.safetensors", as_bytes(bytes));
  EXPECT_THAT(file.tensors, IsEmpty());
  EXPECT_THAT(file.metadata,
              ElementsAre(Pair("format", "pt"), Pair("lm_head.weight", "model.embed_tokens.weight")));
}

}  // namespace
}  // namespace burin::tests
