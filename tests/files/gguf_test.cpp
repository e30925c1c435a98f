// Reading GGUF containers: values, arrays, tensors, versions, alignment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "runtime/files/gguf_model.hpp"
#include "templates/formats/packing.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

using kernels::StoredType;
using runtime::GgufFile;
using runtime::ModelFile;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr StoredType kAllTypes[] = {StoredType::f32,  StoredType::f16,  StoredType::bf16, StoredType::q4_0,
                                    StoredType::q4_1, StoredType::q5_0, StoredType::q5_1, StoredType::q8_0};

// A value of every type, and arrays.
GgufWriter values_of_all_types() {
  GgufWriter gguf;
  gguf.set("u8", std::uint8_t{200});
  gguf.set("i8", std::int8_t{-100});
  gguf.set("u16", std::uint16_t{60000});
  gguf.set("i16", std::int16_t{-30000});
  gguf.set("u32", std::uint32_t{4000000000});
  gguf.set("i32", std::int32_t{-2000000000});
  gguf.set("u64", std::uint64_t{1} << 62);
  gguf.set("i64", std::numeric_limits<std::int64_t>::min());
  gguf.set("f32", 1.5f);
  gguf.set("f64", 1e300);
  gguf.set("yes", true);
  gguf.set("no", false);
  gguf.set("text", "caf\xc3\xa9");
  gguf.set("empty text", "");
  gguf.set_array<std::string>("texts", {"a", "", "long enough not to lie in the string itself"});
  gguf.set_array<std::string>("no texts", {});
  gguf.set_array<float>("floats", {1, -2.5f});
  gguf.set_array<std::int32_t>("i32s", {1, -1});
  gguf.set_array<std::uint8_t>("u8s", {0, 255});
  gguf.set_array<std::int64_t>("i64s", {std::int64_t{1} << 60});
  return gguf;
}

class GgufVersions : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Gguf, GgufVersions, testing::Values(2u, 3u), testing::PrintToStringParamName());

TEST_P(GgufVersions, ValuesOfAllTypesAreRead) {
  GgufWriter writer = values_of_all_types();
  writer.version = GetParam();
  const std::string bytes = writer.bytes();
  const GgufFile gguf("f.gguf", as_bytes(bytes));
  EXPECT_EQ(gguf.version(), GetParam());
  EXPECT_EQ(gguf.metadata().size(), writer.metadata.size());
  EXPECT_EQ(gguf.integer("u8"), 200);
  EXPECT_EQ(gguf.integer("i8"), -100);
  EXPECT_EQ(gguf.integer("u16"), 60000);
  EXPECT_EQ(gguf.integer("i16"), -30000);
  EXPECT_EQ(gguf.integer("u32"), 4000000000);
  EXPECT_EQ(gguf.integer("i32"), -2000000000);
  EXPECT_EQ(gguf.integer("u64"), std::int64_t{1} << 62);
  EXPECT_EQ(gguf.integer("i64"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(gguf.number("f32"), 1.5);
  EXPECT_EQ(gguf.number("f64"), 1e300);
  EXPECT_EQ(gguf.number("i8"), -100.0);
  EXPECT_EQ(gguf.boolean("yes"), true);
  EXPECT_EQ(gguf.boolean("no"), false);
  EXPECT_EQ(gguf.text("text"), "caf\xc3\xa9");
  EXPECT_EQ(gguf.text("empty text"), "");
  EXPECT_THAT(gguf.texts("texts"), ElementsAre("a", "", "long enough not to lie in the string itself"));
  EXPECT_THAT(gguf.texts("no texts"), IsEmpty());
  EXPECT_THAT(gguf.floats("floats"), ElementsAre(1, -2.5f));
  EXPECT_THAT(gguf.integers("i32s"), ElementsAre(1, -1));
  EXPECT_THAT(gguf.integers("u8s"), ElementsAre(0, 255));
  EXPECT_THAT(gguf.integers("i64s"), ElementsAre(std::int64_t{1} << 60));
}

TEST_P(GgufVersions, TinyModelLoads) {
  const TemporaryFolder folder;
  GgufWriter writer = tiny_gguf();
  writer.version = GetParam();
  EXPECT_THAT(use_model(folder.write("tiny.gguf", writer.bytes())), IsEmpty());
}

TEST(Gguf, MissingKeysAreEmpty) {
  const std::string bytes = values_of_all_types().bytes();
  const GgufFile gguf("f.gguf", as_bytes(bytes));
  EXPECT_TRUE(gguf.has("u8"));
  EXPECT_FALSE(gguf.has("u"));
  EXPECT_EQ(gguf.text("none"), std::nullopt);
  EXPECT_EQ(gguf.integer("none"), std::nullopt);
  EXPECT_EQ(gguf.number("none"), std::nullopt);
  EXPECT_EQ(gguf.boolean("none"), std::nullopt);
  EXPECT_THAT(gguf.texts("none"), IsEmpty());
  EXPECT_THAT(gguf.floats("none"), IsEmpty());
  EXPECT_THAT(gguf.integers("none"), IsEmpty());
}

TEST(Gguf, ValuesOfOtherTypesAreRefused) {
  GgufWriter writer = values_of_all_types();
  writer.set("large", std::uint64_t{1} << 63);
  writer.set_array<std::uint64_t>("larges", {1, std::uint64_t{1} << 63});
  const std::string bytes = writer.bytes();
  const GgufFile gguf("f.gguf", as_bytes(bytes));
  EXPECT_THAT(refusal_of([&] { gguf.text("u8"); }), says("f.gguf", {"metadata u8", "type 0", "a text"}));
  EXPECT_THAT(refusal_of([&] { gguf.integer("f32"); }),
              says("f.gguf", {"metadata f32", "type 6", "a whole number"}));
  EXPECT_THAT(refusal_of([&] { gguf.integer("large"); }), says("f.gguf", {"metadata large", "63 bits"}));
  EXPECT_THAT(refusal_of([&] { gguf.integer("texts"); }), says("f.gguf", {"metadata texts", "type 9"}));
  EXPECT_THAT(refusal_of([&] { gguf.number("text"); }),
              says("f.gguf", {"metadata text", "type 8", "a number"}));
  EXPECT_THAT(refusal_of([&] { gguf.number("yes"); }),
              says("f.gguf", {"metadata yes", "type 7", "a number"}));
  EXPECT_THAT(refusal_of([&] { gguf.boolean("u8"); }),
              says("f.gguf", {"metadata u8", "type 0", "a boolean"}));
  EXPECT_THAT(refusal_of([&] { gguf.texts("text"); }), says("f.gguf", {"metadata text", "an array"}));
  EXPECT_THAT(refusal_of([&] { gguf.texts("floats"); }),
              says("f.gguf", {"metadata floats", "an array of texts"}));
  EXPECT_THAT(refusal_of([&] { gguf.floats("i32s"); }), says("f.gguf", {"metadata i32s", "32-bit floats"}));
  EXPECT_THAT(refusal_of([&] { gguf.integers("texts"); }),
              says("f.gguf", {"metadata texts", "whole numbers"}));
  EXPECT_THAT(refusal_of([&] { gguf.integers("floats"); }),
              says("f.gguf", {"metadata floats", "whole numbers"}));
  EXPECT_THAT(refusal_of([&] { gguf.integers("larges"); }),
              says("f.gguf", {"metadata larges", "whole numbers"}));
}

TEST(Gguf, TensorsOfAllTypesAreRead) {
  RandomValues random(1);
  const std::vector<float> values = random.values(3 * 64);
  for (const std::size_t alignment : {8u, 32u, 4096u}) {
    GgufWriter writer;
    writer.alignment = alignment;
    if (alignment != 32) writer.set("general.alignment", static_cast<std::uint32_t>(alignment));
    for (const StoredType type : kAllTypes)
      writer.add(std::string(kernels::layout_of(type).name), type, {3, 64}, values);
    const TemporaryFolder folder;
    const std::unique_ptr<ModelFile> model = ModelFile::open(folder.write("types.gguf", writer.bytes()));
    ASSERT_EQ(model->description().tensors.size(), std::size(kAllTypes));
    for (std::size_t i = 0; i < std::size(kAllTypes); ++i) {
      const graph::TensorDescription& tensor = model->description().tensors[i];
      EXPECT_EQ(tensor.type, kAllTypes[i]);
      EXPECT_EQ(tensor.name, tensor.type_name);
      EXPECT_EQ(model->description().find(tensor.name), static_cast<std::ptrdiff_t>(i));
      EXPECT_THAT(tensor.shape, ElementsAre(3, 64));
      const std::span<const std::byte> data = model->tensor_data(i);
      ASSERT_EQ(data.size(), tensor.bytes);
      EXPECT_EQ(std::memcmp(data.data(), writer.tensors[i].data.data(), data.size()), 0) << tensor.name;
      std::vector<float> decoded(values.size());
      kernels::stored_row_to_f32(kAllTypes[i], data.data(), static_cast<std::int64_t>(values.size()),
                                 decoded.data());
      for (std::size_t k = 0; k < values.size(); ++k) EXPECT_NEAR(decoded[k], values[k], 0.1) << tensor.name;
    }
  }
}

TEST(Gguf, ModelsWithMatricesOfAllTypesArePlanned) {
  const TemporaryFolder folder;
  for (const StoredType type : kAllTypes) {
    TinyLlama shape;
    shape.matrices = type;
    shape.own_head = type != StoredType::q8_0;
    const std::filesystem::path path = folder.write("tiny.gguf", tiny_gguf(shape).bytes());
    EXPECT_THAT(use_model(path), IsEmpty()) << kernels::layout_of(type).name;
  }
}

TEST(Gguf, MetadataBecomesConfiguration) {
  GgufWriter writer = values_of_all_types();
  writer.set("general.architecture", "some");
  writer.set_array<float>("tokenizer.scores", {1});
  writer.set_array<float>("long", std::vector<float>(1025));
  writer.set("huge", std::uint64_t{1} << 63);
  const TemporaryFolder folder;
  const std::unique_ptr<ModelFile> model = ModelFile::open(folder.write("some.gguf", writer.bytes()));
  const nlohmann::json& config = model->description().config;
  EXPECT_EQ(model->description().architecture, "some");
  EXPECT_EQ(model->description().origin, graph::Origin::gguf);
  EXPECT_EQ(config["u32"], 4000000000);
  EXPECT_EQ(config["f32"], 1.5);
  EXPECT_EQ(config["yes"], true);
  EXPECT_EQ(config["text"], "caf\xc3\xa9");
  EXPECT_EQ(config["i32s"], nlohmann::json({1, -1}));
  EXPECT_TRUE(config["huge"].is_string());
  for (const char* left_out : {"texts", "tokenizer.scores", "long"})
    EXPECT_FALSE(config.contains(left_out)) << left_out;
}

TEST(Gguf, UnsupportedTypesAreListedButNotPlanned) {
  GgufWriter writer = tiny_gguf();
  GgufTensorEntry& tensor = writer.tensor("blk.0.attn_q.weight");
  tensor.type = 24;  // I8
  tensor.data.resize(32 * 32);
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.write("i8.gguf", writer.bytes());
  const std::unique_ptr<ModelFile> model = ModelFile::open(path);
  const auto index = static_cast<std::size_t>(model->description().find("blk.0.attn_q.weight"));
  EXPECT_EQ(model->description().tensors[index].type_name, "I8");
  EXPECT_EQ(model->description().tensors[index].type, std::nullopt);
  EXPECT_THAT(refusal_of([&] { plan_for_avx2(*model); }), says(path, {"blk.0.attn_q.weight", "I8", "Q8_0"}));
}

TEST(Gguf, PagesThatAreReleasedStayReadable) {
  const TemporaryFolder folder;
  const GgufWriter writer = tiny_gguf();
  const std::unique_ptr<ModelFile> model = ModelFile::open(folder.write("tiny.gguf", writer.bytes()));
  for (std::size_t i = 0; i < writer.tensors.size(); ++i) {
    model->release_pages(i);
    const std::span<const std::byte> data = model->tensor_data(i);
    EXPECT_EQ(std::memcmp(data.data(), writer.tensors[i].data.data(), data.size()), 0);
  }
}

}  // namespace
}  // namespace burin::tests
