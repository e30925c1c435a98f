// AMX products against vector instructions of this CPU that compute the same numbers.
#include <gtest/gtest.h>
#include <immintrin.h>

#include "jit/target.hpp"
#include "tests/emulation/flushed_float.hpp"
#include "tests/emulation/tile_multiply.hpp"

namespace burin::emulation {
namespace {

constexpr Shape kFull{16, 16, 16};

// Dword (row, column) of a packed matrix.
std::uint32_t at(const Dwords& matrix, int columns, int row, int column) {
  return matrix[static_cast<std::size_t>(row * columns + column)];
}

// C + A * B with `add`(sum, dword of A, dword of B) for all of k in order.
template <typename Add>
Dwords product_of(Shape s, Dwords c, const Dwords& a, const Dwords& b, Add add) {
  for (int m = 0; m < s.m; ++m)
    for (int n = 0; n < s.n; ++n)
      for (int k = 0; k < s.k; ++k) {
        std::uint32_t& sum = c[static_cast<std::size_t>(m * s.n + n)];
        sum = add(sum, at(a, s.k, m, k), at(b, s.n, k, n));
      }
  return c;
}

// Four bytes as four words, of which VPMADDWD multiplies and adds pairs.
template <bool kSignedA, bool kSignedB>
__attribute__((target("avx2"), noinline)) std::uint32_t add_by_words(std::uint32_t sum, std::uint32_t a,
                                                                     std::uint32_t b) {
  const __m128i bytes_a = _mm_cvtsi32_si128(static_cast<int>(a)),
                bytes_b = _mm_cvtsi32_si128(static_cast<int>(b));
  const __m128i words_a = kSignedA ? _mm_cvtepi8_epi16(bytes_a) : _mm_cvtepu8_epi16(bytes_a);
  const __m128i words_b = kSignedB ? _mm_cvtepi8_epi16(bytes_b) : _mm_cvtepu8_epi16(bytes_b);
  const __m128i pairs = _mm_madd_epi16(words_a, words_b);
  return sum + static_cast<std::uint32_t>(_mm_extract_epi32(pairs, 0)) +
         static_cast<std::uint32_t>(_mm_extract_epi32(pairs, 1));
}

TEST(AmxCrossCheck, BytesByWordProducts) {
  tests::RandomValues random(51);
  const Dwords a = random_dwords(random, 256), b = random_dwords(random, 256), c = random_dwords(random, 256);
  EXPECT_EQ(multiply(kSigned, kFull, c, a, b), product_of(kFull, c, a, b, add_by_words<true, true>));
  EXPECT_EQ(multiply(kSignedUnsigned, kFull, c, a, b), product_of(kFull, c, a, b, add_by_words<true, false>));
  EXPECT_EQ(multiply(kUnsignedSigned, kFull, c, a, b), product_of(kFull, c, a, b, add_by_words<false, true>));
  EXPECT_EQ(multiply(kUnsigned, kFull, c, a, b), product_of(kFull, c, a, b, add_by_words<false, false>));
}

__attribute__((target("avx512vnni,avx512vl"), noinline)) std::uint32_t add_by_vnni(std::uint32_t sum,
                                                                                   std::uint32_t a,
                                                                                   std::uint32_t b) {
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(
      _mm_dpbusd_epi32(_mm_cvtsi32_si128(static_cast<int>(sum)), _mm_cvtsi32_si128(static_cast<int>(a)),
                       _mm_cvtsi32_si128(static_cast<int>(b)))));
}
TEST(AmxCrossCheck, BytesByVnni) {
  if (!jit::host_target().has(jit::Feature::avx512vnni))
    GTEST_SKIP() << "skipped: this CPU has no AVX512-VNNI";
  tests::RandomValues random(52);
  const Dwords a = random_dwords(random, 256), b = random_dwords(random, 256), c = random_dwords(random, 256);
  EXPECT_EQ(multiply(kUnsignedSigned, kFull, c, a, b), product_of(kFull, c, a, b, add_by_vnni));
}

// Integers from -8 to 8, of which every sum in every order is exact.
template <typename Narrow>
Dwords small_integers(tests::RandomValues& random, Narrow narrow) {
  Dwords all(256);
  for (std::uint32_t& pair : all)
    for (const int shift : {0, 16}) pair |= narrow(static_cast<float>(random.below(17) - 8)) << shift;
  return all;
}
Dwords zeros() { return Dwords(256, 0); }

__attribute__((target("avx512bf16,avx512vl"), noinline)) std::uint32_t add_by_bf16(std::uint32_t sum,
                                                                                   std::uint32_t a,
                                                                                   std::uint32_t b) {
  __m128 to = _mm_set_ss(as_float(sum));
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(to) : "v"(_mm_set_ss(as_float(a))), "v"(_mm_set_ss(as_float(b))));
  return as_bits(_mm_cvtss_f32(to));
}
TEST(AmxCrossCheck, Bf16ByVectorProducts) {
  if (!jit::host_target().has(jit::Feature::avx512bf16))
    GTEST_SKIP() << "skipped: this CPU has no AVX512-BF16";
  tests::RandomValues random(53);
  const auto narrow = [](float value) { return as_bits(value) >> 16; };
  const Dwords a = small_integers(random, narrow), b = small_integers(random, narrow);
  EXPECT_EQ(multiply(kBf16, kFull, zeros(), a, b), product_of(kFull, zeros(), a, b, add_by_bf16));
}

__attribute__((target("avx2,fma,f16c"), noinline)) std::uint32_t add_by_f16c(std::uint32_t sum,
                                                                             std::uint32_t a,
                                                                             std::uint32_t b) {
  const __m128 wide_a = _mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int>(a)));
  const __m128 wide_b = _mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int>(b)));
  const __m128 low = _mm_fmadd_ss(wide_a, wide_b, _mm_set_ss(as_float(sum)));
  return as_bits(_mm_cvtss_f32(_mm_fmadd_ss(_mm_movehdup_ps(wide_a), _mm_movehdup_ps(wide_b), low)));
}
__attribute__((target("f16c"), noinline)) std::uint32_t fp16_of(float value) {
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(value), 0))) & 0xffffu;
}
TEST(AmxCrossCheck, Fp16ByF16c) {
  tests::RandomValues random(54);
  const Dwords a = small_integers(random, fp16_of), b = small_integers(random, fp16_of);
  EXPECT_EQ(multiply(kFp16, kFull, zeros(), a, b), product_of(kFull, zeros(), a, b, add_by_f16c));
}

}  // namespace
}  // namespace burin::emulation
