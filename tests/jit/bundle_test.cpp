// Bundles: what is put in is found, the same bytes each time, and damage is refused by name.
#include "jit/bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "jit/error.hpp"
#include "jit/kernel_store.hpp"
#include "tests/jit/made_images.hpp"
#include "tests/support/error_text.hpp"
#include "tests/support/mutations.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::jit {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

const CodeImage kOne = image_that_stores("one", 1);
const CodeImage kTwo = image_that_stores("two", 2);

std::vector<BundleTarget> targets() {
  return {{parse_target("haswell"), "a model"}, {parse_target("avx2,avxvnni"), "another, with commas"}};
}
Bytes good_file() { return bundle_file(targets(), {kOne, kTwo}, this_emitter()); }

Bytes sealed(Bytes file) {
  if (file.size() < 96) return file;
  std::memset(file.data() + 64, 0, 32);
  const Digest digest = sha256(file);
  std::memcpy(file.data() + 64, digest.data(), digest.size());
  return file;
}

TEST(Bundle, HoldsKernelsAndTargets) {
  const Bundle bundle("test", good_file());
  EXPECT_EQ(bundle.kernels(), 2u);
  ASSERT_EQ(bundle.targets().size(), 2u);
  EXPECT_EQ(bundle.targets()[0].target.name, "haswell");
  EXPECT_EQ(bundle.targets()[1].target.features, parse_target("avxvnni").features);
  EXPECT_EQ(bundle.targets()[1].origin, "another, with commas");
  EXPECT_EQ(bundle.find(key_of(kTwo))->bytes, kTwo.bytes);
  EXPECT_FALSE(bundle.find({"three", kOne.features}).has_value());
  EXPECT_FALSE(bundle.find({"one", parse_target("avx512").features}).has_value());
}

TEST(Bundle, IsTheSameInAnyOrderOfKernels) {
  EXPECT_EQ(bundle_file(targets(), {kTwo, kOne}, this_emitter()), good_file());
  EXPECT_EQ(bundle_file(targets(), {kOne, kTwo, kOne}, this_emitter()), good_file());
}

TEST(Bundle, MayBeEmpty) { EXPECT_EQ(Bundle("test", bundle_file({}, {}, this_emitter())).kernels(), 0u); }

TEST(Bundle, IsOpenedFromAFile) {
  const tests::TemporaryFolder folder;
  const Bytes good = good_file();
  const auto path = folder.write("k.bnd", {reinterpret_cast<const char*>(good.data()), good.size()});
  EXPECT_EQ(Bundle::open(path).kernels(), 2u);
  const auto refusal = [](const std::filesystem::path& file) {
    return tests::error_of([&] { Bundle::open(file); });
  };
  EXPECT_THAT(refusal(folder / "none"), AllOf(HasSubstr("none"), HasSubstr("No such file")));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("cannot be read"));
  EXPECT_THAT(refusal(folder.write("text", "no bundle")), HasSubstr("is no bundle"));
}

TEST(Bundle, DamageIsRefusedByName) {
  const Bytes good = good_file();
  const auto refusal = [](const Bytes& file) { return tests::error_of([&] { Bundle("NAME", file); }); };
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_THAT(refusal(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))),
                HasSubstr("NAME: "));
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes flipped = good;
    flipped[i] ^= 1;
    EXPECT_THAT(refusal(flipped), HasSubstr("NAME: ")) << i;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_THAT(refusal(sealed(longer)), HasSubstr("damaged"));
  EmitterId other = this_emitter();
  other.build[3] ^= 1;
  EXPECT_THAT(refusal(bundle_file(targets(), {kOne}, other)), HasSubstr("another build of Burin"));
}

// With the digest made right again: refused, or all that is in it can be used.
TEST(Bundle, HostileFilesDoNoHarm) {
  const Bytes good = good_file();
  tests::Mutator mutator(std::string(good.begin(), good.end()), 300, tests::FileKind::binary, 1);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = mutator.next();
    try {
      const Bundle bundle("NAME", sealed(Bytes(text.begin(), text.end())));
      bundle.find(key_of(kOne));
    } catch (const Error& error) {
      ASSERT_THAT(error.what(), HasSubstr("NAME: ")) << "mutant " << i;
    }
  }
}

TEST(Bundle, KernelsOutliveIt) {
  std::optional<BundledKernel> one;
  std::optional<BundledKernel> two;
  {
    const Bundle bundle("test", good_file());
    one = bundle.load(key_of(kOne));
    two = Bundle(bundle).load(key_of(kTwo));
    EXPECT_FALSE(bundle.load({"three", kOne.features}).has_value());
  }
  for (const auto& [kernel, value] : {std::pair(one, 1), std::pair(two, 2)}) {
    ASSERT_TRUE(kernel.has_value());
    const auto address = reinterpret_cast<std::uintptr_t>(kernel->kernel.get());
    EXPECT_EQ(address % kCodeAlignment, 0u);
    EXPECT_EQ(kernel->bytes, kOne.bytes.size());
    EXPECT_EQ(stored_by(reinterpret_cast<KernelEntry>(address)), value);
  }
}

TEST(Bundle, FilesThatChangeLaterChangeNothing) {
  const tests::TemporaryFolder folder;
  const Bytes good = good_file();
  const auto path = folder.write("k.bnd", {reinterpret_cast<const char*>(good.data()), good.size()});
  KernelStore store({{Bundle::open(path)}, std::nullopt, false});
  const auto never = []() -> CodeImage { throw std::logic_error("emitted"); };
  std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
  stream << std::string(good.size(), '\x0b');
  stream.close();
  EXPECT_EQ(stored_by(store.resolve(key_of(kOne), never)), 1);
  std::filesystem::resize_file(path, 0);
  EXPECT_EQ(stored_by(store.resolve(key_of(kTwo), never)), 2);
}

TEST(Bundle, EightThreadsLoadFromOne) {
  const Bundle bundle("test", good_file());
  std::vector<const void*> places(8);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < places.size(); ++t)
    threads.emplace_back([&, t] {
      const Bundle copy = bundle;
      places[t] = copy.load(key_of(t % 2 == 0 ? kOne : kTwo))->kernel.get();
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t t = 0; t < places.size(); ++t) EXPECT_EQ(places[t], places[t % 2]);
}

// An image under the key of another CPU's.
TEST(Bundle, FeaturesOtherThanTheKeysAreRefused) {
  Bytes file = bundle_file({}, {kOne}, this_emitter());
  const std::size_t part = 128;  // 96 rounded up
  const std::uint32_t features = parse_target("avx512").features.bits();
  std::memcpy(file.data() + part + 52, &features, sizeof features);
  std::memset(file.data() + part + 96, 0, 32);
  const Digest digest = sha256(Bytes(file.begin() + part, file.end()));
  std::memcpy(file.data() + part + 96, digest.data(), digest.size());
  EXPECT_THAT(tests::error_of([&] { Bundle("NAME", sealed(file)); }), HasSubstr("not those of its key"));
}

TEST(Bundle, StoresAskItFirst) {
  const tests::TemporaryFolder folder;
  DiskCacheOptions disk;
  disk.folder = folder / "cache";
  DiskCache(disk).store(key_of(kOne), image_that_stores("one", 99));
  KernelStore store({{Bundle("test", good_file())}, disk, false});
  const auto never = []() -> CodeImage { throw std::logic_error("emitted"); };
  EXPECT_EQ(stored_by(store.resolve(key_of(kOne), never)), 1);
  EXPECT_EQ(store.counts().from_bundle, 1);
  EXPECT_EQ(store.counts().from_disk, 0);
}

TEST(Bundle, StoresThatMayNotEmitSayWhatIsMissing) {
  KernelStore store({{Bundle("test", good_file())}, std::nullopt, false});
  const CodeImage three = image_that_stores("three", 3);
  EXPECT_THROW(store.resolve(key_of(three), [&] { return three; }), MissingKernel);
  EXPECT_THAT(tests::error_of([&] { store.resolve(key_of(three), [&] { return three; }); }),
              AllOf(HasSubstr("three"), HasSubstr("avx2")));
  EXPECT_EQ(store.counts().emitted, 0);
}

}  // namespace
}  // namespace burin::jit
