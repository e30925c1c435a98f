// Odd files found in the wild: truncated, legacy, empty, pointers. Each is used or refused with one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "runtime/files/safetensors_file.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::IsEmpty;
using testing::Not;

std::vector<fs::path> files_in(const char* folder) {
  std::vector<fs::path> files;
  std::error_code missing;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::path(BURIN_REFERENCE_DATA) / folder, missing))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(OddFiles, GgufFilesLoadOrAreRefused) {
  const std::vector<fs::path> files = files_in("gguf-odd");
  if (files.empty()) GTEST_SKIP() << "no reference files in " << BURIN_REFERENCE_DATA << "/gguf-odd";
  for (const fs::path& path : files)
    for (const std::string& refusal : use_model(path)) EXPECT_THAT(refusal, says(path, {}));
}

// As files of their own they are refused; as the weights of a folder they are read first.
TEST(OddFiles, SafetensorsFilesLoadOrAreRefused) {
  const std::vector<fs::path> files = files_in("safetensors-odd");
  if (files.empty()) GTEST_SKIP() << "no reference files in " << BURIN_REFERENCE_DATA << "/safetensors-odd";
  const TemporaryFolder folder;
  write_tiny_folder(folder);
  for (const fs::path& path : files) {
    const std::vector<std::string> alone = use_model(path);
    EXPECT_THAT(alone, Not(IsEmpty())) << path;
    for (const std::string& refusal : alone) EXPECT_THAT(refusal, says(path, {}));
    folder.write("model.safetensors", content_of(path));
    const std::vector<std::string> refusals = use_model(folder.path());
    EXPECT_THAT(refusals, Not(IsEmpty())) << path;
    for (const std::string& refusal : refusals) {
      EXPECT_TRUE(is_one_line(refusal)) << refusal;
      EXPECT_THAT(refusal, testing::StartsWith(folder.path().string())) << path;
    }
  }
}

TEST(OddFiles, WellFormedSafetensorsAreRead) {
  const std::vector<fs::path> files = files_in("safetensors-odd");
  if (files.empty()) GTEST_SKIP() << "no reference files in " << BURIN_REFERENCE_DATA << "/safetensors-odd";
  for (const fs::path& path : files) {
    if (!path.filename().string().starts_with("swift-tensor-")) continue;
    const std::string bytes = content_of(path);
    const runtime::SafetensorsFile file = runtime::read_safetensors(path.string(), as_bytes(bytes));
    ASSERT_EQ(file.tensors.size(), 1u) << path;
    EXPECT_GT(file.tensors[0].data.size(), 0u);
    const char digit = path.filename().string()[std::string_view("swift-tensor-").size()];
    EXPECT_EQ(file.tensors[0].description.shape.size(), static_cast<std::size_t>(digit - '0')) << path;
  }
}

TEST(OddFiles, LfsPointerIsCalledThat) {
  const fs::path path =
      fs::path(BURIN_REFERENCE_DATA) / "safetensors-odd" / "lfs-pointer-pretending.safetensors";
  if (!fs::exists(path)) GTEST_SKIP() << path << " is missing";
  EXPECT_THAT(use_model(path), Contains(says(path, {"Git LFS pointer"})));
  const TemporaryFolder folder;
  write_tiny_folder(folder);
  folder.write("model.safetensors", content_of(path));
  EXPECT_THAT(use_model(folder.path()), Contains(says(folder / "model.safetensors", {"Git LFS pointer"})));
}

}  // namespace
}  // namespace burin::tests
