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
#include "tests/jit/disk_cache_fixture.hpp"
#include "tests/support/child_process.hpp"

namespace burin::jit {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::in_child;
using tests::in_unprivileged_child;

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

}  // namespace
}  // namespace burin::jit
