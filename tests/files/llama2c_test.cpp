// Models and tokenizers in llama2.c's own format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/llama2c_writer.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using runtime::ModelFile;
using runtime::Tokenizer;
using testing::ElementsAre;
using testing::IsEmpty;

class Llama2c : public testing::Test {
 protected:
  fs::path write_model(const std::string& bytes) const { return folder_.write("model.bin", bytes); }
  fs::path write_tokenizer(const std::string& bytes) const { return folder_.write("tokenizer.bin", bytes); }
  std::string refusal(const std::string& bytes) const {
    return refusal_of([&] { ModelFile::open(write_model(bytes)); });
  }
  std::string tokenizer_refusal(const std::string& bytes) const {
    write_tokenizer(bytes);
    const std::unique_ptr<ModelFile> model = ModelFile::open(write_model(tiny_llama2c()));
    return refusal_of([&] { Tokenizer::load(*model); });
  }

  TemporaryFolder folder_;
};

TEST_F(Llama2c, ModelsLoadWithTheirOwnHeadAndWithout) {
  write_tokenizer(tiny_llama2c_tokenizer());
  for (const bool own_head : {true, false}) {
    TinyLlama shape;
    shape.layers = 2;
    shape.kv_heads = 1;
    shape.own_head = own_head;
    const fs::path path = write_model(tiny_llama2c(shape));
    EXPECT_THAT(use_model(path), IsEmpty());
    const std::unique_ptr<ModelFile> model = ModelFile::open(path);
    EXPECT_EQ(model->description().find("output.weight") >= 0, own_head);
    for (const TinyTensor& tensor : tiny_tensors(shape, static_cast<std::int64_t>(tiny_pieces().size()))) {
      const std::ptrdiff_t index = model->description().find(tensor.gguf_name);
      ASSERT_GE(index, 0) << tensor.gguf_name;
      EXPECT_EQ(model->description().tensors[static_cast<std::size_t>(index)].shape, tensor.shape);
      const std::span<const std::byte> data = model->tensor_data(static_cast<std::size_t>(index));
      EXPECT_TRUE(std::ranges::equal(data, std::as_bytes(std::span(tensor.values)))) << tensor.gguf_name;
      model->release_pages(static_cast<std::size_t>(index));
    }
  }
}

TEST_F(Llama2c, TokenizerIsFoundBesideTheModel) {
  const fs::path path = write_model(tiny_llama2c());
  EXPECT_THAT(use_model(path), ElementsAre(says(folder_.path(), {"tok302.bin", "tokenizer.bin"})));
  folder_.write("tok302.bin", tiny_llama2c_tokenizer());
  EXPECT_THAT(use_model(path), IsEmpty());
  const std::unique_ptr<Tokenizer> tokenizer = Tokenizer::load(*ModelFile::open(path));
  EXPECT_EQ(tokenizer->vocabulary_size(), 302u);
  EXPECT_EQ(tokenizer->bos(), kTinyBos);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("there and he")), "there and he");
}

TEST_F(Llama2c, SizeMustAgreeWithHeader) {
  const std::string good = tiny_llama2c();
  for (const std::string& bytes : {good + "x", good + value_bytes(0.0f), good.substr(0, good.size() - 4),
                                   good.substr(0, 28), good.substr(0, 27)})
    EXPECT_THAT(refusal(bytes), says(folder_ / "model.bin", {"is no model file", "first bytes"}));
}

TEST_F(Llama2c, HeadersThatCannotBeAreRefused) {
  for (std::size_t field = 0; field < 7; ++field) {
    for (const std::int32_t value : {0, -1, 7, 1 << 25, std::numeric_limits<std::int32_t>::max(),
                                     std::numeric_limits<std::int32_t>::min()}) {
      std::string bytes = tiny_llama2c();
      std::memcpy(bytes.data() + field * 4, &value, 4);
      EXPECT_THAT(refusal(bytes), says(folder_ / "model.bin", {"is no model file"}))
          << field << ": " << value;
    }
  }
}

TEST_F(Llama2c, TokenizersThatAreCutOffAreRefused) {
  const std::string good = tiny_llama2c_tokenizer();
  for (std::size_t size = 1; size < good.size(); size += size < 200 ? 1 : 37)
    EXPECT_THAT(tokenizer_refusal(good.substr(0, size)),
                says(folder_ / "tokenizer.bin", {size < 4 ? "cut off at byte 0" : ""}));
  EXPECT_THAT(tokenizer_refusal(""), says(folder_ / "tokenizer.bin", {"is empty"}));
}

TEST_F(Llama2c, TokenizerFieldsAreChecked) {
  const std::string good = tiny_llama2c_tokenizer();
  const auto with = [&](std::size_t at, const std::string& bytes) {
    return std::string(good).replace(at, bytes.size(), bytes);
  };
  const fs::path path = folder_ / "tokenizer.bin";
  EXPECT_THAT(tokenizer_refusal(with(8, value_bytes(std::int32_t{-1}))),
              says(path, {"token 0 has length -1"}));
  EXPECT_THAT(tokenizer_refusal(with(8, value_bytes(std::int32_t{1 << 30}))),
              says(path, {"token 0 has length 10737"}));
  EXPECT_THAT(tokenizer_refusal(with(4, value_bytes(std::numeric_limits<float>::quiet_NaN()))),
              says(path, {"token 0 has score nan"}));
  EXPECT_THAT(tokenizer_refusal("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
              says(path, {"Git LFS pointer"}));
}

}  // namespace
}  // namespace burin::tests
