// The cache folder: what is kept, what is refused, and what is said about it.
#include "jit/disk_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "jit/cache_folder.hpp"
#include "jit/error.hpp"
#include "jit/image_file.hpp"
#include "tests/jit/made_images.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::jit {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::in_child;
using tests::in_unprivileged_child;

const CodeImage kImage = image_that_stores("one", 1);

class DiskCacheTest : public testing::Test {
 protected:
  DiskCacheOptions options() const {
    DiskCacheOptions options;
    options.folder = folder();
    return options;
  }
  DiskCache cache() const { return DiskCache(options()); }
  fs::path folder() const { return temporary_ / "cache"; }
  fs::path file_of(const CodeImage& image) const {
    return folder() / build_folder_name(this_emitter()) / image_file_name(key_of(image));
  }
  void keep(const CodeImage& image) const {
    DiskCache writer(options());
    writer.store(key_of(image), image);
    ASSERT_THAT(writer.notes(), IsEmpty());
  }
  // What is in the place of the image is not taken, said once, and replaced.
  void expect_replaced(const std::string& said) const {
    DiskCache damaged(options());
    EXPECT_FALSE(damaged.load(key_of(kImage)).has_value());
    EXPECT_FALSE(damaged.load(key_of(kImage)).has_value());
    EXPECT_THAT(damaged.notes(), ElementsAre(HasSubstr(said)));
    damaged.store(key_of(kImage), kImage);
    expect_kept();
  }
  void expect_kept() const {
    DiskCache reader(options());
    const std::optional<CodeImage> image = reader.load(key_of(kImage));
    ASSERT_TRUE(image.has_value());
    EXPECT_EQ(image->bytes, kImage.bytes);
    EXPECT_THAT(reader.notes(), IsEmpty());
  }
  // Such a folder is neither read nor written, and the user is told.
  void expect_unused(const std::string& said) const { expect_unused(options(), said); }
  static void expect_unused(const DiskCacheOptions& options, const std::string& said) {
    DiskCache cache(options);
    EXPECT_FALSE(cache.load(key_of(kImage)).has_value());
    cache.store(key_of(kImage), kImage);
    EXPECT_FALSE(cache.load(key_of(kImage)).has_value());
    cache.trim();
    EXPECT_THAT(cache.notes(), ElementsAre(testing::AllOf(HasSubstr(said), HasSubstr("not used"))));
  }

  const tests::TemporaryFolder temporary_;
};

TEST_F(DiskCacheTest, KeepsImages) {
  DiskCache first(options());
  EXPECT_FALSE(first.load(key_of(kImage)).has_value());
  first.store(key_of(kImage), kImage);
  EXPECT_THAT(first.notes(), IsEmpty());
  expect_kept();
}

TEST_F(DiskCacheTest, FoldersAreForTheUserOnly) {
  keep(kImage);
  for (const fs::path& path : {folder(), file_of(kImage).parent_path()})
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all) << path;
  EXPECT_EQ(fs::status(file_of(kImage)).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(DiskCacheTest, DamagedImagesAreReplaced) {
  keep(kImage);
  fs::resize_file(file_of(kImage), 20);
  expect_replaced("20 bytes long");
  fs::resize_file(file_of(kImage), 0);
  expect_replaced("0 bytes long");
  fs::resize_file(file_of(kImage), kLargestImageFile + 1);
  expect_replaced("the most is");
  temporary_.write(file_of(kImage).lexically_relative(temporary_.path()).string(), std::string(500, 'x'));
  expect_replaced("no kernel image");
}

TEST_F(DiskCacheTest, RenamedImagesAreReplaced) {
  const CodeImage other = image_that_stores("two", 2);
  keep(other);
  fs::rename(file_of(other), file_of(kImage));
  expect_replaced("another kernel, two@avx2");
}

TEST_F(DiskCacheTest, ImagesOfOtherBuildsAndCpusAreReplaced) {
  const auto put = [&](const KernelKey& key, const EmitterId& emitter) {
    const std::vector<std::uint8_t> file = image_file(key, kImage, emitter);
    temporary_.write(file_of(kImage).lexically_relative(temporary_.path()).string(),
                     std::string(file.begin(), file.end()));
  };
  keep(kImage);
  EmitterId emitter = this_emitter();
  emitter.build[31] ^= 1;
  put(key_of(kImage), emitter);
  expect_replaced("another build");
  emitter = this_emitter();
  emitter.arguments ^= 1;
  put(key_of(kImage), emitter);
  expect_replaced("version of the arguments");
  put({kImage.name, parse_target("avx512").features}, this_emitter());
  expect_replaced("for CPUs with avx2,avx512");
}

TEST_F(DiskCacheTest, OtherBuildsHaveAFolderOfTheirOwn) {
  keep(kImage);
  DiskCacheOptions other = options();
  other.emitter.build[0] ^= 1;
  DiskCache cache(other);
  EXPECT_FALSE(cache.load(key_of(kImage)).has_value());
  EXPECT_THAT(cache.notes(), IsEmpty());
}

TEST_F(DiskCacheTest, WhatIsNoPlainFileIsReplaced) {
  keep(kImage);
  const fs::path elsewhere = temporary_ / "elsewhere";
  fs::rename(file_of(kImage), elsewhere);
  fs::create_symlink(elsewhere, file_of(kImage));
  expect_replaced("is a symbolic link");
  EXPECT_FALSE(fs::is_symlink(file_of(kImage)));
  fs::remove(file_of(kImage));
  ASSERT_EQ(mkfifo(file_of(kImage).c_str(), 0600), 0);
  expect_replaced("is no plain file");
  fs::permissions(file_of(kImage), fs::perms::others_write, fs::perm_options::add);
  expect_replaced("others may write to it");
  fs::remove(file_of(kImage));
  fs::create_directory(file_of(kImage));
  expect_replaced("is no plain file");
}

TEST_F(DiskCacheTest, FoldersThatOthersMayWriteToAreNotUsed) {
  keep(kImage);
  for (const fs::path& path : {folder(), file_of(kImage).parent_path()})
    for (const fs::perms writable : {fs::perms::group_write, fs::perms::others_write}) {
      fs::permissions(path, writable, fs::perm_options::add);
      expect_unused("others may write to it");
      fs::permissions(path, fs::perms::owner_all);
    }
  expect_kept();
}

TEST_F(DiskCacheTest, FoldersOfOthersAreNotUsed) {
  DiskCacheOptions foreign = options();
  if (geteuid() == 0) {
    keep(kImage);
    ASSERT_EQ(chown(folder().c_str(), tests::kNobody, tests::kNobody), 0);
  } else {
    foreign.folder = "/usr";
  }
  expect_unused(foreign, "belongs to user");
}

TEST_F(DiskCacheTest, LinkedFoldersAreNotUsed) {
  keep(kImage);
  const fs::path link = temporary_ / "link";
  fs::create_directory_symlink(folder(), link);
  DiskCacheOptions linked = options();
  for (const fs::path& path : {link, link / ""}) {
    linked.folder = path;
    expect_unused(linked, "is a symbolic link");
  }
  const fs::path build = file_of(kImage).parent_path();
  fs::rename(build, temporary_ / "build");
  fs::create_directory_symlink(temporary_ / "build", build);
  expect_unused("is a symbolic link");
}

TEST_F(DiskCacheTest, FilesInThePlaceOfFoldersAreSaid) {
  temporary_.write("cache", "");
  expect_unused("Not a directory");
  DiskCacheOptions below = options();
  below.folder = folder() / "below";
  expect_unused(below, "Not a directory");
}

TEST_F(DiskCacheTest, ReadOnlyFoldersAreRead) {
  EXPECT_EQ(in_unprivileged_child(temporary_.path(),
                                  [&] {
                                    keep(kImage);
                                    const CodeImage other = image_that_stores("two", 2);
                                    fs::permissions(file_of(kImage).parent_path(),
                                                    fs::perms::owner_read | fs::perms::owner_exec);
                                    DiskCache cache(options());
                                    const bool loaded = cache.load(key_of(kImage)).has_value();
                                    const bool silent = cache.notes().empty();
                                    cache.store(key_of(other), other);
                                    cache.store(key_of(other), other);
                                    const bool said =
                                        cache.notes().size() == 1 &&
                                        cache.notes()[0].find("Permission denied") != std::string::npos;
                                    fs::permissions(file_of(kImage).parent_path(), fs::perms::owner_all);
                                    return loaded && silent && said && !cache.load(key_of(other)).has_value();
                                  }),
            0);
}

TEST_F(DiskCacheTest, FoldersThatCannotBeCreatedAreSaid) {
  EXPECT_EQ(in_unprivileged_child(
                temporary_.path(),
                [&] {
                  fs::permissions(temporary_.path(), fs::perms::owner_read | fs::perms::owner_exec);
                  DiskCache cache(options());
                  cache.store(key_of(kImage), kImage);
                  const std::vector<std::string> notes = cache.notes();
                  fs::permissions(temporary_.path(), fs::perms::owner_all);
                  return !cache.load(key_of(kImage)).has_value() && notes.size() == 1 &&
                         notes[0].find("cannot be created: Permission denied") != std::string::npos;
                }),
            0);
}

TEST_F(DiskCacheTest, StepsThatFailLeaveNothingBehindAndAreSaidOnce) {
  for (int step = 0; step < kWriteSteps; ++step) {
    DiskCacheOptions failing = options();
    int attempts = 0;
    failing.before_step = [&](WriteStep at) {
      if (static_cast<int>(at) != step) return 0;
      ++attempts;
      return ENOSPC;
    };
    DiskCache cache(failing);
    for (int i = 0; i < 3; ++i) cache.store(key_of(kImage), kImage);
    EXPECT_EQ(attempts, 1) << step;
    EXPECT_THAT(cache.notes(), ElementsAre(HasSubstr("No space left on device"))) << step;
    EXPECT_THAT(list_cache(folder()), IsEmpty()) << step;
  }
  keep(kImage);
  expect_kept();
}

// The system's own refusal in the middle of a file.
TEST_F(DiskCacheTest, FilesThatMayNotGrowAreGivenUp) {
  EXPECT_EQ(in_child([&] {
              std::signal(SIGXFSZ, SIG_IGN);
              const rlimit limit = {100, 100};
              setrlimit(RLIMIT_FSIZE, &limit);
              DiskCache cache(options());
              cache.store(key_of(kImage), kImage);
              return cache.notes().size() == 1 &&
                     cache.notes()[0].find("File too large") != std::string::npos;
            }),
            0);
  EXPECT_THAT(list_cache(folder()), IsEmpty());
}

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
