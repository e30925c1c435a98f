// A store with a disk cache: what it takes from disk, emits and writes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "jit/kernel_store.hpp"
#include "tests/jit/disk_cache_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/mutations.hpp"

namespace burin::jit {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class KernelStoreDisk : public DiskCacheTest {
 protected:
  fs::path file() const { return file_of(kImage); }
  // A process's life: resolves, runs and writes back.
  KernelCounts use() const {
    KernelStore store(sources());
    EXPECT_EQ(stored_by(store.resolve(key_of(kImage), [] { return kImage; })), 1);
    store.write_back();
    notes_ = store.notes();
    return store.counts();
  }

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

// The kept image with other code, which would end the test if it ran: an illegal instruction.
class DeadlyImages : public KernelStoreDisk {
 protected:
  DeadlyImages() {
    use();
    std::ifstream stream(file(), std::ios::binary);
    deadly_.assign(std::istreambuf_iterator<char>(stream), {});
    deadly_.replace(deadly_.size() - kImage.bytes.size(), 2, "\x0f\x0b");
  }
  void put(const std::string& image) const {
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << image;
  }

  std::string deadly_;
};

// All that a start does but to write back: the file is in the store's folder, the store looks for the kernel there, and
// what it answers is run.
TEST_F(DeadlyImages, AreNotRunHoweverTheyAreMutated) {
  tests::Mutator mutator(deadly_, 128, tests::FileKind::binary, 2);
  for (int i = 0; i < 100'000; ++i) {
    put(mutator.next());
    KernelStore store(sources());
    ASSERT_EQ(stored_by(store.resolve(key_of(kImage), [] { return kImage; })), 1) << "mutant " << i;
    ASSERT_EQ(store.counts().emitted, 1) << "mutant " << i;
    ASSERT_THAT(store.notes(), ElementsAre(HasSubstr("emitted anew"))) << "mutant " << i;
  }
}

TEST_F(DeadlyImages, AreReplaced) {
  tests::Mutator mutator(deadly_, 128, tests::FileKind::binary, 1);
  for (int i = 0; i < 1000; ++i) {
    put(i == 0 ? deadly_ : mutator.next());
    EXPECT_EQ(use().emitted, 1) << "mutant " << i;
    EXPECT_THAT(notes_, ElementsAre(HasSubstr("emitted anew"))) << "mutant " << i;
    EXPECT_EQ(use().from_disk, 1) << "mutant " << i;
  }
}

// That they would be run, if nothing were compared but what the file says of itself.
TEST_F(DeadlyImages, AreDeadly) {
  CodeImage image = kImage;
  image.bytes[0] = 0x0f;
  image.bytes[1] = 0x0b;
  keep(image);
  EXPECT_NE(tests::in_child([&] {
              use();
              return true;
            }),
            0);
}

TEST_F(KernelStoreDisk, TroubleWithTheDiskIsNoTrouble) {
  fs::create_directory(options().folder);
  fs::permissions(options().folder, fs::perms::all);
  EXPECT_EQ(use().emitted, 1);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("others may write to it")));
}

}  // namespace
}  // namespace burin::jit
