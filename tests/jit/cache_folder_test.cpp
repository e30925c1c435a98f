// The cache folder as a whole: trimmed, cleared, checked.
#include "jit/cache_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jit/error.hpp"
#include "tests/jit/disk_cache_fixture.hpp"

namespace burin::jit {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

class CacheFolder : public DiskCacheTest {
 protected:
  static CodeImage image(int number) {
    return image_that_stores("kernel " + std::to_string(number), static_cast<std::uint8_t>(number));
  }
  void age(const fs::path& file, std::chrono::minutes minutes) const {
    fs::last_write_time(file, fs::file_time_type::clock::now() - minutes);
  }
};

TEST_F(CacheFolder, TheLeastRecentlyUsedGoFirst) {
  for (int i = 0; i < 6; ++i) {
    keep(image(i));
    age(file_of(image(i)), std::chrono::minutes(60 - i));
  }
  const std::uint64_t size = fs::file_size(file_of(image(0)));
  DiskCacheOptions small = options();
  small.most_bytes = 3 * size;
  DiskCache cache(small);
  EXPECT_TRUE(cache.load(key_of(image(0))).has_value());  // oldest, and used now
  cache.trim();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(fs::exists(file_of(image(i))), i == 0 || i >= 4) << i;
}

TEST_F(CacheFolder, OtherBuildsAreTrimmedToo) {
  DiskCacheOptions before = options();
  before.emitter.build[0] ^= 1;
  DiskCache(before).store(key_of(kImage), kImage);
  const fs::path build = folder() / build_folder_name(before.emitter);
  age(build / image_file_name(key_of(kImage)), std::chrono::minutes(1));
  keep(kImage);
  trim_cache(folder(), fs::file_size(file_of(kImage)));
  EXPECT_FALSE(fs::exists(build));
  expect_kept();
}

TEST_F(CacheFolder, TemporaryFilesGoOnceNobodyWritesThem) {
  keep(kImage);
  const fs::path left =
      file_of(kImage).parent_path() / ("." + file_of(kImage).filename().string() + ".99.0.tmp");
  std::ofstream(left) << "half";
  trim_cache(folder(), 1 << 20);
  EXPECT_TRUE(fs::exists(left));
  age(left, std::chrono::hours(2));
  trim_cache(folder(), 1 << 20);
  EXPECT_FALSE(fs::exists(left));
  expect_kept();
}

TEST_F(CacheFolder, ClearingRemovesWhatIsItsOwn) {
  for (int i = 0; i < 3; ++i) keep(image(i));
  const fs::path foreign = file_of(kImage).parent_path() / "notes.txt";
  std::ofstream(foreign) << "mine";
  const fs::path target = temporary_ / "target";
  std::ofstream(target) << "not in the cache";
  fs::create_symlink(target, file_of(kImage));
  const Removed removed = clear_cache(folder());
  EXPECT_EQ(removed.files, 4u);
  EXPECT_TRUE(fs::exists(foreign));
  EXPECT_TRUE(fs::exists(target));
}

// A process that has opened this build's folder can still write to it.
TEST_F(CacheFolder, ClearingDoesNotDisturbOthers) {
  DiskCache other(options());
  keep(kImage);
  EXPECT_EQ(clear_cache(folder()).files, 1u);
  other.store(key_of(kImage), kImage);
  EXPECT_THAT(other.notes(), IsEmpty());
  expect_kept();
}

TEST_F(CacheFolder, LinksToFoldersAreNotFollowed) {
  keep(kImage);
  const fs::path outside = temporary_ / "outside";
  fs::rename(file_of(kImage).parent_path(), outside);
  fs::create_directory_symlink(outside, file_of(kImage).parent_path());
  EXPECT_THAT(list_cache(folder()), IsEmpty());
  clear_cache(folder());
  EXPECT_TRUE(fs::exists(outside / file_of(kImage).filename()));
}

TEST_F(CacheFolder, FoldersOfOthersAreLeftAlone) {
  keep(kImage);
  fs::permissions(folder(), fs::perms::others_write, fs::perm_options::add);
  EXPECT_THROW(list_cache(folder()), Error);
  EXPECT_THROW(clear_cache(folder()), Error);
  EXPECT_TRUE(fs::exists(file_of(kImage)));
  EXPECT_THAT(list_cache(temporary_ / "none"), IsEmpty());
}

TEST_F(CacheFolder, ChecksFindWhatIsBad) {
  keep(kImage);
  std::string key;
  EXPECT_EQ(check_cached_file(list_cache(folder())[0], key), "");
  EXPECT_EQ(key, "one@avx2");
  const fs::path good = file_of(kImage);
  fs::rename(good, file_of(image(1)));
  EXPECT_THAT(check_cached_file(list_cache(folder())[0], key), HasSubstr("name of another kernel"));
  const fs::path other = folder() / "0123456789abcdef";
  fs::create_directory(other, folder());
  fs::rename(file_of(image(1)), other / good.filename());
  EXPECT_THAT(check_cached_file(list_cache(folder())[0], key), HasSubstr("another build"));
  fs::resize_file(other / good.filename(), 5);
  EXPECT_THAT(check_cached_file(list_cache(folder())[0], key), HasSubstr("5 bytes"));
}

}  // namespace
}  // namespace burin::jit
