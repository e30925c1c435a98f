// A store with a disk cache: what it takes from disk, emits and writes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "jit/error.hpp"
#include "jit/kernel_store.hpp"
#include "tests/jit/made_images.hpp"
#include "tests/support/mutations.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::jit {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const CodeImage kImage = image_that_stores("one", 1);

class KernelStoreDisk : public testing::Test {
 protected:
  DiskCacheOptions options() const {
    DiskCacheOptions options;
    options.folder = temporary_ / "cache";
    return options;
  }
  KernelSources sources() const { return {{}, options(), true}; }
  fs::path file() const {
    return options().folder / build_folder_name(this_emitter()) / image_file_name(key_of(kImage));
  }
  // A process's life: resolves, runs and writes back.
  KernelCounts use() const {
    KernelStore store(sources());
    EXPECT_EQ(stored_by(store.resolve(key_of(kImage), [] { return kImage; })), 1);
    store.write_back();
    notes_ = store.notes();
    return store.counts();
  }

  const tests::TemporaryFolder temporary_;
  mutable std::vector<std::string> notes_;  // of the last use
};

TEST_F(KernelStoreDisk, TheSecondStoreEmitsNothing) {
  const KernelCounts first = use();
  EXPECT_EQ(first.emitted, 1);
  EXPECT_EQ(first.from_disk, 0);
  EXPECT_GT(first.emit_milliseconds, 0);
  const KernelCounts second = use();
  EXPECT_EQ(second.emitted, 0);
  EXPECT_EQ(second.from_disk, 1);
  EXPECT_EQ(second.emit_milliseconds, 0);
  EXPECT_EQ(second.code_bytes, kImage.bytes.size());
}

TEST_F(KernelStoreDisk, NothingIsWrittenBeforeWriteBack) {
  KernelStore store(sources());
  store.resolve(key_of(kImage), [] { return kImage; });
  EXPECT_FALSE(fs::exists(file()));
  store.write_back();
  EXPECT_TRUE(fs::exists(file()));
  store.write_back();
  EXPECT_THAT(store.notes(), IsEmpty());
}

TEST_F(KernelStoreDisk, StoresOfAProcessShareWhatIsLoaded) {
  KernelStore first;
  KernelStore second;
  const auto emit = [] { return kImage; };
  const KernelEntry entry = first.resolve(key_of(kImage), emit);
  EXPECT_EQ(second.resolve(key_of(kImage), emit), entry);
  EXPECT_EQ(second.resolve(key_of(kImage), emit), entry);
  EXPECT_EQ(second.counts().shared, 1);
  EXPECT_EQ(second.counts().emitted, 0);
}

TEST_F(KernelStoreDisk, SharedKernelsOutliveTheStoreThatMadeThem) {
  auto first = std::make_unique<KernelStore>();
  KernelStore second;
  first->resolve(key_of(kImage), [] { return kImage; });
  const KernelEntry entry = second.resolve(key_of(kImage), [] { return kImage; });
  first.reset();
  EXPECT_EQ(stored_by(entry), 1);
}

// What runs is a copy in this process's memory.
TEST_F(KernelStoreDisk, FilesThatChangeLaterChangeNothing) {
  use();
  KernelStore store(sources());
  const KernelEntry entry = store.resolve(key_of(kImage), [] { return kImage; });
  ASSERT_EQ(store.counts().from_disk, 1);
  // In place, as a rename would leave the old file to whoever has it.
  std::fstream stream(file(), std::ios::binary | std::ios::in | std::ios::out);
  stream << std::string(fs::file_size(file()), '\x0b');
  stream.close();
  EXPECT_EQ(stored_by(entry), 1);
  fs::resize_file(file(), 0);
  EXPECT_EQ(stored_by(entry), 1);
}

// Each would end the test if it ran: the code is an illegal instruction.
TEST_F(KernelStoreDisk, DamagedImagesAreNeitherRunNorKept) {
  use();
  std::ifstream stream(file(), std::ios::binary);
  std::string good{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::string deadly = good;
  deadly.replace(deadly.size() - kImage.bytes.size(), 2, "\x0f\x0b");
  tests::Mutator mutator(deadly, 128, tests::FileKind::binary, 1);
  for (int i = 0; i < 2000; ++i) {
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << (i == 0 ? deadly : mutator.next());
    EXPECT_EQ(use().emitted, 1) << "mutant " << i;
    EXPECT_THAT(notes_, ElementsAre(HasSubstr("emitted anew"))) << "mutant " << i;
    EXPECT_EQ(use().from_disk, 1) << "mutant " << i;
  }
}

TEST_F(KernelStoreDisk, TroubleWithTheDiskIsNoTrouble) {
  fs::create_directory(options().folder);
  fs::permissions(options().folder, fs::perms::all);
  EXPECT_EQ(use().emitted, 1);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("others may write to it")));
}

}  // namespace
}  // namespace burin::jit
