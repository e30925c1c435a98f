// Image files: what is written is read back, and nothing else is taken for it.
#include "jit/image_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "jit/error.hpp"
#include "tests/jit/made_images.hpp"
#include "tests/support/error_text.hpp"
#include "tests/support/mutations.hpp"

namespace burin::jit {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

CodeImage made_image() {
  CodeImage image = image_that_stores("gemm-k.32-n.64", 7);
  image.unwind = {0x44, 0x0e, 0x10};
  return image;
}
const CodeImage kImage = made_image();
constexpr std::size_t kHeader = 128;
constexpr std::size_t kDigest = 96;

Bytes good_file() { return image_file(key_of(kImage), kImage, this_emitter()); }

CodeImage read(const Bytes& file) { return read_image_file(file, key_of(kImage), this_emitter()); }

// With the digest made right again, as somebody would who knows the layout.
Bytes sealed(Bytes file) {
  if (file.size() < kHeader) return file;
  std::memset(file.data() + kDigest, 0, 32);
  const Digest digest = sha256(file);
  std::memcpy(file.data() + kDigest, digest.data(), digest.size());
  return file;
}

Bytes with_number(std::size_t at, std::uint32_t number) {
  Bytes file = good_file();
  std::memcpy(file.data() + at, &number, sizeof number);
  return sealed(file);
}

std::string refusal(const Bytes& file) {
  return tests::error_of([&] { read(file); });
}

TEST(ImageFile, HoldsTheImage) {
  const CodeImage image = read(good_file());
  EXPECT_EQ(image.name, kImage.name);
  EXPECT_EQ(image.features, kImage.features);
  EXPECT_EQ(image.code_size, kImage.code_size);
  EXPECT_EQ(image.bytes, kImage.bytes);
  EXPECT_EQ(image.unwind, kImage.unwind);
}

TEST(ImageFile, CodeIsWhereItCanRun) {
  const Bytes file = good_file();
  const StoredImage stored = parse_image_file(file);
  EXPECT_EQ(stored.code_begin % kCodeAlignment, 0u);
  EXPECT_TRUE(std::equal(kImage.bytes.begin(), kImage.bytes.end(),
                         file.begin() + static_cast<std::ptrdiff_t>(stored.code_begin)));
}

TEST(ImageFile, IsTheSameEachTime) { EXPECT_EQ(good_file(), good_file()); }

TEST(ImageFile, EveryFieldIsChecked) {
  EXPECT_THAT(refusal(with_number(0, 0)), HasSubstr("no kernel image"));
  EXPECT_THAT(refusal(with_number(8, 1)), HasSubstr("layout 1"));
  EXPECT_THAT(refusal(with_number(12, 2)), HasSubstr("ABI 2"));
  EXPECT_THAT(refusal(with_number(16, 0)), HasSubstr("another build"));
  EXPECT_THAT(refusal(with_number(48, this_emitter().arguments + 1)), HasSubstr("version of the arguments"));
  EXPECT_THAT(refusal(with_number(52, parse_target("avx512").features.bits())), HasSubstr("avx512"));
  EXPECT_THAT(refusal(with_number(56, 1u << 31)), HasSubstr("key of"));
  EXPECT_THAT(refusal(with_number(56, 0)), HasSubstr("image of"));
  EXPECT_THAT(refusal(with_number(60, 0)), HasSubstr("0 bytes of code"));
  EXPECT_THAT(refusal(with_number(60, 8)), HasSubstr("8 bytes of code"));
  EXPECT_THAT(refusal(with_number(64, 1)), HasSubstr("image of 1 bytes"));
  EXPECT_THAT(refusal(with_number(72, 1u << 31)), HasSubstr("unwind program of"));
  EXPECT_THAT(refusal(with_number(72, 2)), HasSubstr("image of"));
  EXPECT_THAT(refusal(with_number(80, 1)), HasSubstr("instead of 1"));
  EXPECT_THAT(refusal(with_number(88, 1)), HasSubstr("must be zero"));
  EXPECT_THAT(refusal(with_number(kHeader, 0)), HasSubstr("another kernel"));
  EXPECT_THAT(refusal(with_number(kHeader + 56, 1)), HasSubstr("must be zero"));
  Bytes flipped = good_file();
  flipped.back() ^= 1;
  EXPECT_THAT(refusal(flipped), HasSubstr("SHA-256"));
}

TEST(ImageFile, IsForOneKernelAndOneCpu) {
  const auto refused = [](std::string_view name, const char* target) {
    return tests::error_of([&] {
      read_image_file(good_file(), {name, parse_target(target).features}, this_emitter());
    });
  };
  EXPECT_THAT(refused("gemm-k.32-n.96", "avx2"), HasSubstr("another kernel, gemm-k.32-n.64"));
  EXPECT_THAT(refused("gemm-k.32-n.64", "avxvnni"), HasSubstr("for CPUs with avx2"));
}

// A field that is added to the key changes the key's text: no image from before is taken for it.
TEST(ImageFile, KeysWithAnotherFieldAreOtherKeys) {
  EXPECT_THROW(read_image_file(good_file(), {"gemm-k.32-n.64-x.0", kImage.features}, this_emitter()), Error);
}

TEST(ImageFile, EveryTruncationIsRefused) {
  const Bytes good = good_file();
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_THROW(read(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))), Error);
    EXPECT_THROW(read(sealed(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)))),
                 Error);
  }
}

TEST(ImageFile, EveryFlippedBitIsRefused) {
  const Bytes good = good_file();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes file = good;
    file[bit / 8] = static_cast<std::uint8_t>(file[bit / 8] ^ (1u << (bit % 8)));
    EXPECT_THROW(read(file), Error) << "bit " << bit;
  }
}

// Damage at random: no mutant becomes an image. With the digest made right again only the code, the length of its
// instructions and the unwind program may differ, which nothing can tell from what an emitter wrote.
TEST(ImageFile, MutantsNeverBecomeImages) {
  constexpr int kMutants = 100'000;
  const Bytes good = good_file();
  tests::Mutator mutator(std::string(good.begin(), good.end()), kHeader, tests::FileKind::binary, 1);
  int refused = 0;
  int unlike = 0;
  for (int i = 0; i < kMutants; ++i) {
    const std::string text = mutator.next();
    const Bytes mutant(text.begin(), text.end());
    if (mutant == good) continue;
    ++unlike;
    try {
      read(mutant);
      ADD_FAILURE() << "mutant " << i << " was taken";
    } catch (const Error&) {
      ++refused;
    }
    try {
      const CodeImage image = read(sealed(mutant));
      EXPECT_EQ(image.name, kImage.name) << "mutant " << i;
      EXPECT_EQ(image.bytes.size() + image.unwind.size(),
                mutant.size() - round_up_to_code(kHeader + key_of(kImage).text().size()))
          << "mutant " << i;
      EXPECT_LE(image.code_size, image.bytes.size()) << "mutant " << i;
    } catch (const Error&) {
    }
  }
  EXPECT_EQ(refused, unlike);
  EXPECT_GT(unlike, kMutants / 2);
}

}  // namespace
}  // namespace burin::jit
