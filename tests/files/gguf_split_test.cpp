// A model in several GGUF files: opened as if it were one, and refused where they do not belong together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/files/model_file.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using runtime::ModelFile;
using testing::IsEmpty;

class GgufSplit : public testing::Test {
 protected:
  static constexpr std::uint16_t kParts = 3;

  // The first has the metadata and no tensors, as gguf-split can write it; the others have half of them each.
  GgufSplit() : parts_(kParts) {
    parts_[0] = whole_;
    parts_[0].tensors.clear();
    parts_[0].set("split.tensors.count", static_cast<std::int32_t>(whole_.tensors.size()));
    for (std::size_t i = 0; i < whole_.tensors.size(); ++i)
      parts_[1 + i * 2 / whole_.tensors.size()].tensors.push_back(whole_.tensors[i]);
    for (std::uint16_t part = 0; part < kParts; ++part) {
      parts_[part].set("split.no", part);
      parts_[part].set("split.count", kParts);
    }
  }

  static std::string name(int part) { return fmt::format("m-{:05}-of-00003.gguf", part + 1); }
  fs::path first() const { return folder_ / name(0); }
  void write() const {
    for (int part = 0; part < kParts; ++part)
      folder_.write(name(part), parts_[static_cast<std::size_t>(part)].bytes());
  }
  std::string refusal() const {
    write();
    return refusal_of([&] { ModelFile::open(first()); });
  }

  const GgufWriter whole_ = tiny_gguf();
  std::vector<GgufWriter> parts_;
  const TemporaryFolder folder_;
};

TEST_F(GgufSplit, IsTheModelThatItWas) {
  write();
  EXPECT_THAT(use_model(first()), IsEmpty());
  const auto split = ModelFile::open(first());
  const auto whole = ModelFile::open(folder_.write("whole.gguf", whole_.bytes()));
  ASSERT_EQ(split->description().tensors.size(), whole->description().tensors.size());
  for (std::size_t i = 0; i < whole->description().tensors.size(); ++i) {
    EXPECT_EQ(split->description().tensors[i].name, whole->description().tensors[i].name);
    EXPECT_TRUE(std::ranges::equal(split->tensor_data(i), whole->tensor_data(i))) << i;
    split->release_pages(i);
  }
}

TEST_F(GgufSplit, TheFirstFileIsTheOneToGive) {
  write();
  EXPECT_THAT(refusal_of([&] { ModelFile::open(folder_ / name(1)); }),
              says(folder_ / name(1), {"file 2 of 3", "give the first one", name(0).c_str()}));
  const fs::path renamed = folder_.write("renamed.gguf", parts_[0].bytes());
  EXPECT_THAT(refusal_of([&] { ModelFile::open(renamed); }),
              says(renamed, {"must end with -00001-of-00003.gguf"}));
}

TEST_F(GgufSplit, AllFilesAreThere) {
  write();
  fs::remove(folder_ / name(2));
  EXPECT_THAT(refusal_of([&] { ModelFile::open(first()); }), says(first(), {name(2).c_str(), "is missing"}));
}

TEST_F(GgufSplit, FilesBelongTogether) {
  std::swap(parts_[1], parts_[2]);
  EXPECT_THAT(refusal(), says(folder_ / name(1), {"split.no is 2: 1 is expected"}));
  std::swap(parts_[1], parts_[2]);
  parts_[2].set("split.count", std::uint16_t{4});
  EXPECT_THAT(refusal(), says(folder_ / name(2), {"split.count is 4", "has 3"}));
  parts_[2].set("split.count", kParts);
  parts_[2].tensors.push_back(parts_[1].tensors[0]);
  EXPECT_THAT(refusal(), says(folder_ / name(2), {"token_embd.weight is in another file"}));
  parts_[2].tensors.resize(1);
  EXPECT_THAT(refusal(), says(first(), {"split.tensors.count is", "its 3 files have"}));
}

TEST_F(GgufSplit, NumbersCanBe) {
  parts_[0].set("split.no", std::uint16_t{3});
  EXPECT_THAT(refusal(), says(first(), {"split.no is 3: must be from 0 to 2"}));
  parts_[0].set("split.count", std::int32_t{-1});
  EXPECT_THAT(refusal(), says(first(), {"split.count is -1"}));
  parts_[0].set("split.count", std::int32_t{1 << 20});
  EXPECT_THAT(refusal(), says(first(), {"split.count is 1048576"}));
}

}  // namespace
}  // namespace burin::tests
