// A cache in a temporary folder, and what tests expect of it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>

#include "jit/disk_cache.hpp"
#include "jit/kernel_store.hpp"
#include "tests/jit/made_images.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::jit {

inline const CodeImage kImage = image_that_stores("one", 1);

class DiskCacheTest : public testing::Test {
 protected:
  DiskCacheOptions options() const {
    DiskCacheOptions options;
    options.folder = folder();
    return options;
  }
  KernelSources sources() const { return {{}, options(), true}; }  // of a store
  std::filesystem::path folder() const { return temporary_ / "cache"; }
  std::filesystem::path file_of(const CodeImage& image) const {
    return folder() / build_folder_name(this_emitter()) / image_file_name(key_of(image));
  }
  void keep(const CodeImage& image) const {
    DiskCache writer(options());
    writer.store(key_of(image), image);
    ASSERT_THAT(writer.notes(), testing::IsEmpty());
  }
  // What is in the place of the image is not taken, said once, and replaced.
  void expect_replaced(const std::string& said) const {
    DiskCache damaged(options());
    EXPECT_FALSE(damaged.load(key_of(kImage)).has_value());
    EXPECT_FALSE(damaged.load(key_of(kImage)).has_value());
    EXPECT_THAT(damaged.notes(), testing::ElementsAre(testing::HasSubstr(said)));
    damaged.store(key_of(kImage), kImage);
    expect_kept();
  }
  void expect_kept() const {
    DiskCache reader(options());
    const std::optional<CodeImage> image = reader.load(key_of(kImage));
    ASSERT_TRUE(image.has_value());
    EXPECT_EQ(image->bytes, kImage.bytes);
    EXPECT_THAT(reader.notes(), testing::IsEmpty());
  }
  // Such a folder is neither read nor written, and the user is told.
  void expect_unused(const std::string& said) const { expect_unused(options(), said); }
  static void expect_unused(const DiskCacheOptions& options, const std::string& said) {
    DiskCache cache(options);
    EXPECT_FALSE(cache.load(key_of(kImage)).has_value());
    cache.store(key_of(kImage), kImage);
    EXPECT_FALSE(cache.load(key_of(kImage)).has_value());
    cache.trim();
    EXPECT_THAT(cache.notes(), testing::ElementsAre(
                                   testing::AllOf(testing::HasSubstr(said), testing::HasSubstr("not used"))));
  }

  const tests::TemporaryFolder temporary_;
};

}  // namespace burin::jit
