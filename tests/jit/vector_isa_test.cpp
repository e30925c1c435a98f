// Every function of VectorIsa on every target of this host against plain code.
#include "jit/vector_isa.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "templates/formats/float16.hpp"
#include "tests/jit/isa_run.hpp"
#include "tests/support/random_values.hpp"

namespace burin::jit {
namespace {

using tests::GuardedBuffer;
using tests::RandomValues;

Words random_words(const IsaSetting& s, std::uint64_t seed) {
  RandomValues random(seed);
  Words words(static_cast<std::size_t>(s.lanes));
  for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random.bits());
  return words;
}

// The values in turns, cut into whole registers, `check` called with each.
template <typename Check>
void for_each_register(const IsaSetting& s, std::vector<float> values, Check check) {
  const auto lanes = static_cast<std::size_t>(s.lanes);
  values.resize((values.size() + lanes - 1) / lanes * lanes, 1.0f);
  for (std::size_t at = 0; at < values.size(); at += lanes) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(at);
    check(std::vector<float>(first, first + s.lanes));
  }
}

Words apply(const Words& x, const Words& y, std::uint32_t (*operation)(std::uint32_t, std::uint32_t)) {
  Words result;
  std::transform(x.begin(), x.end(), y.begin(), std::back_inserter(result), operation);
  return result;
}

TEST(VectorIsa, WidthsAndRegisters) {
  for (const IsaSetting& s : isa_settings()) {
    const Assembler a(s.target);
    const bool wide = s.target.has(Feature::avx512);
    EXPECT_EQ(a.isa().vector_bytes(), wide ? 64 : 32) << s.text();
    EXPECT_EQ(a.isa().vector_registers(), wide ? 32 : 16) << s.text();
    EXPECT_EQ(a.vector_bytes(), a.isa().vector_bytes()) << s.text();
    const bool dot = s.target.has(Feature::avxvnni) || s.target.has(Feature::avx512vnni);
    EXPECT_EQ(a.isa().dot_is_one_instruction(), dot) << s.text();
    EXPECT_EQ(a.isa().largest_dot_code(), dot ? 255 : 128) << s.text();
  }
}

TEST(VectorIsa, BitOperations) {
  struct Operation {
    void (VectorIsa::*emit)(Vector, Vector, const Xbyak::Operand&);
    std::uint32_t (*plain)(std::uint32_t, std::uint32_t);
  };
  const Operation operations[] = {
      {&VectorIsa::bit_and, [](std::uint32_t x, std::uint32_t y) { return x & y; }},
      {&VectorIsa::bit_or, [](std::uint32_t x, std::uint32_t y) { return x | y; }},
      {&VectorIsa::bit_xor, [](std::uint32_t x, std::uint32_t y) { return x ^ y; }},
  };
  for (const IsaSetting& s : isa_settings())
    for (const Operation& operation : operations) {
      SCOPED_TRACE(s.text());
      const Words x = random_words(s, 1);
      const Words y = random_words(s, 2);
      const Words expected = apply(x, y, operation.plain);
      const Four after = run_isa(s, {Words{}, x, y, x}, [&](Assembler& a, const auto& v) {
        (a.isa().*operation.emit)(v[0], v[1], v[2]);
        (a.isa().*operation.emit)(v[3], v[3], v[2]);  // onto an operand
      });
      EXPECT_EQ(after, (Four{expected, x, y, expected}));

      const GuardedBuffer memory(y.size() * 4);
      std::copy(y.begin(), y.end(), memory.as<std::uint32_t>());
      const Four with_memory = run_isa(
          s, {Words{}, x},
          [&](Assembler& a, const auto& v) { (a.isa().*operation.emit)(v[0], v[1], a.ptr[a.rsi]); },
          memory.as());
      EXPECT_EQ(with_memory[0], expected);
      EXPECT_EQ(with_memory[1], x);
    }
}

TEST(VectorIsa, Copy) {
  for (const IsaSetting& s : isa_settings()) {
    const Words x = random_words(s, 3);
    const Four after =
        run_isa(s, {Words{}, x}, [](Assembler& a, const auto& v) { a.isa().copy(v[0], v[1]); });
    EXPECT_EQ(after[0], x) << s.text();
    EXPECT_EQ(after[1], x) << s.text();
  }
}

TEST(VectorIsa, MergeMaskedBits) {
  for (const IsaSetting& s : isa_settings()) {
    const Words to = random_words(s, 4);
    const Words bits = random_words(s, 5);
    const Words mask = random_words(s, 6);
    Words expected;
    for (std::size_t i = 0; i < to.size(); ++i) expected.push_back(to[i] | (bits[i] & mask[i]));
    const GuardedBuffer memory(mask.size() * 4);
    std::copy(mask.begin(), mask.end(), memory.as<std::uint32_t>());
    const Four by_register = run_isa(s, {to, bits, mask}, [](Assembler& a, const auto& v) {
      a.isa().merge_masked_bits(v[0], v[1], v[2]);
    });
    const Four by_memory = run_isa(
        s, {to, bits},
        [](Assembler& a, const auto& v) { a.isa().merge_masked_bits(v[0], v[1], a.ptr[a.rsi]); },
        memory.as());
    EXPECT_EQ(by_register[0], expected) << s.text();
    EXPECT_EQ(by_register[2], mask) << s.text();
    EXPECT_EQ(by_memory[0], expected) << s.text();
  }
}

// Random bytes, and the corners; an activation of -128 is none.
TEST(VectorIsa, DotSignedBytes) {
  int tested = 0;
  for (const IsaSetting& s : isa_settings()) {
    if (!Assembler(s.target).isa().has_signed_dot()) continue;
    SCOPED_TRACE(s.text());
    ++tested;
    const Words accumulator = random_words(s, 11);
    Words codes = random_words(s, 12);
    Words activations;
    for (const std::uint32_t word : random_words(s, 13)) {
      std::uint32_t kept = word;
      for (std::uint32_t byte = 0xff; byte != 0; byte <<= 8)
        if ((word & byte) == (0x80808080 & byte)) kept ^= byte & 0x01010101;
      activations.push_back(kept);
    }
    const std::pair<std::uint32_t, std::uint32_t> corners[] = {{0x80808080, 0x81818181},
                                                               {0x80808080, 0x7f7f7f7f},
                                                               {0x7f7f7f7f, 0x81818181},
                                                               {0x00800080, 0x81008100}};
    for (std::size_t i = 0; i < 4; ++i) std::tie(codes[i], activations[i]) = corners[i];
    Words expected;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      int sum = 0;
      for (int shift = 0; shift < 32; shift += 8)
        sum += static_cast<std::int8_t>(codes[i] >> shift & 0xff) *
               static_cast<std::int8_t>(activations[i] >> shift & 0xff);
      expected.push_back(accumulator[i] + static_cast<std::uint32_t>(sum));
    }
    const Four after = run_isa(s, {accumulator, codes, activations}, [](Assembler& a, const auto& v) {
      const Vector magnitudes = v[3];
      a.isa().magnitudes(magnitudes, v[1]);
      a.isa().dot_signed_bytes(v[0], magnitudes, v[1], v[2], a.vector(8, "scratch"));
    });
    EXPECT_EQ(after[0], expected);
    EXPECT_EQ(after[1], codes);
    EXPECT_EQ(after[2], activations);
  }
  EXPECT_GT(tested, 0);
}

// Random bytes, and the corners where pairs of products come closest to 16-bit saturation.
TEST(VectorIsa, DotBytes) {
  for (const IsaSetting& s : isa_settings()) {
    SCOPED_TRACE(s.text());
    const auto largest = static_cast<std::uint32_t>(Assembler(s.target).isa().largest_dot_code());
    const Words accumulator = random_words(s, 7);
    Words codes;
    for (std::uint32_t word : random_words(s, 8)) {
      std::uint32_t code = 0;
      for (int byte = 0; byte < 4; ++byte, word >>= 8) code = code << 8 | (word & 0xff) % (largest + 1);
      codes.push_back(code);
    }
    Words activations = random_words(s, 9);
    const std::uint32_t corners[] = {0x80808080, 0x7f7f7f7f, 0x807f807f, 0x80808080};
    for (std::size_t i = 0; i < 4; ++i) {
      codes[i] = largest * 0x01010101;
      activations[i] = corners[i];
    }
    Words expected;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      int sum = 0;
      for (int shift = 0; shift < 32; shift += 8)
        sum += static_cast<int>(codes[i] >> shift & 0xff) *
               static_cast<std::int8_t>(activations[i] >> shift & 0xff);
      expected.push_back(accumulator[i] + static_cast<std::uint32_t>(sum));
    }
    const GuardedBuffer memory(activations.size() * 4);
    std::copy(activations.begin(), activations.end(), memory.as<std::uint32_t>());
    const Words scratch = random_words(s, 10);
    const Four by_register =
        run_isa(s, {accumulator, codes, activations, scratch},
                [](Assembler& a, const auto& v) { a.isa().dot_bytes(v[0], v[1], v[2], v[3]); });
    const Four by_memory = run_isa(
        s, {accumulator, codes},
        [](Assembler& a, const auto& v) { a.isa().dot_bytes(v[0], v[1], a.ptr[a.rsi], v[3]); }, memory.as());
    EXPECT_EQ(by_register[0], expected);
    EXPECT_EQ(by_register[1], codes);
    EXPECT_EQ(by_register[2], activations);
    if (Assembler(s.target).isa().dot_is_one_instruction()) {
      EXPECT_EQ(by_register[3], scratch);
    }
    EXPECT_EQ(by_memory[0], expected);
    EXPECT_EQ(by_memory[1], codes);
  }
}

TEST(VectorIsa, LookUpFloats) {
  std::array<float, 16> table;
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i * i) - 7.5f;
  for (const IsaSetting& s : isa_settings()) {
    SCOPED_TRACE(s.text());
    for (const std::uint32_t first : {0u, 8u}) {
      Words lanes;
      Words expected;
      for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(s.lanes); ++i) {
        lanes.push_back((first + i * 5) % 16);
        expected.push_back(std::bit_cast<std::uint32_t>(table[lanes.back()]));
      }
      for (std::uint32_t& lane : lanes) lane |= 0xabcdef50;  // bits that must not matter
      const Four after = run_isa(s, {lanes}, [&](Assembler& a, const auto& v) {
        a.isa().look_up_floats(v[1], v[0], table, v[2], v[3]);
        a.isa().look_up_floats(v[0], v[0], table, v[2], v[3]);
      });
      EXPECT_EQ(after[0], expected);
      EXPECT_EQ(after[1], expected);
    }
  }
}

TEST(VectorIsa, RoundToInteger) {
  const std::vector<float> values = {0.5f,  1.5f,  2.5f,   -0.5f,  -1.5f,      -2.5f, 0.49999997f, 3.7f,
                                     -3.7f, 1e10f, -1e10f, 1e-30f, 8388607.5f, -0.0f, 126.4f,      -1024.0f};
  for (const IsaSetting& s : isa_settings())
    for_each_register(s, values, [&](const std::vector<float>& x) {
      const Four after = run_isa(s, {Words{}, words_of(x)},
                                 [](Assembler& a, const auto& v) { a.isa().round_to_integer(v[0], v[1]); });
      std::vector<float> expected;
      for (const float value : x) expected.push_back(std::nearbyint(value));
      EXPECT_EQ(floats_of(after[0]), expected) << s.text();
      EXPECT_EQ(floats_of(after[1]), x) << s.text();
    });
}

TEST(VectorIsa, ScaleByPowerOfTwo) {
  std::vector<float> exponents;
  for (int exponent = -160; exponent <= 127; ++exponent) exponents.push_back(static_cast<float>(exponent));
  exponents.push_back(-1024);
  for (const IsaSetting& s : isa_settings())
    for (const float value : {1.0f, -1.3f, 0.70710678f})
      for_each_register(s, exponents, [&](const std::vector<float>& exponent) {
        const std::vector<float> values(exponent.size(), value);
        const Four after =
            run_isa(s, {words_of(values), words_of(exponent)},
                    [](Assembler& a, const auto& v) { a.isa().scale_by_power_of_two(v[0], v[1]); });
        for (std::size_t i = 0; i < exponent.size(); ++i) {
          const float result = floats_of(after[0])[i];
          const float expected = std::ldexp(value, static_cast<int>(exponent[i]));
          if (exponent[i] < -126 && result == 0) continue;  // as a target likes
          EXPECT_EQ(result, expected) << value << " exponent " << exponent[i] << " " << s.text();
        }
      });
}

// Whole numbers, so that the order of additions does not matter; the largest in every lane once.
TEST(VectorIsa, Reductions) {
  for (const IsaSetting& s : isa_settings())
    for (int place = 0; place < s.lanes; ++place) {
      SCOPED_TRACE(s.text());
      std::vector<float> x;
      for (int lane = 0; lane < s.lanes; ++lane) x.push_back(static_cast<float>(-1000 - 37 * lane));
      x[static_cast<std::size_t>(place)] = -5;
      Words numbers = random_words(s, 11);
      float sum = 0;
      std::uint32_t total = 0;
      std::int32_t greatest = INT32_MIN;
      for (const float value : x) sum += value;
      for (const std::uint32_t number : numbers) {
        total += number;
        greatest = std::max(greatest, static_cast<std::int32_t>(number));
      }
      const Four after =
          run_isa(s, {words_of(x), words_of(x), numbers, numbers}, [](Assembler& a, const auto& v) {
            a.isa().reduce_add(v[0], v[3]);
            a.isa().reduce_max(v[1], v[3]);
            a.isa().reduce_add_int32(v[2], v[3]);
          });
      const Four integers = run_isa(
          s, {numbers, numbers}, [](Assembler& a, const auto& v) { a.isa().reduce_max_int32(v[0], v[1]); });
      for (std::size_t lane = 0; lane < 4; ++lane) {
        EXPECT_EQ(floats_of(after[0])[lane], sum);
        EXPECT_EQ(floats_of(after[1])[lane], -5.0f);
        EXPECT_EQ(after[2][lane], total);
        EXPECT_EQ(static_cast<std::int32_t>(integers[0][lane]), greatest);
      }
    }
}

TEST(VectorIsa, KeepFirstLanes) {
  for (const IsaSetting& s : isa_settings())
    for (std::int64_t count = -17; count <= s.lanes + 3; ++count) {
      const Words value = random_words(s, 12);
      const Words other = random_words(s, 13);
      const Four after = run_isa(
          s, {value, other},
          [](Assembler& a, const auto& v) { a.isa().keep_first_lanes(v[0], a.rcx, v[1], v[2]); }, nullptr,
          count);
      Words expected;
      for (std::size_t i = 0; i < value.size(); ++i)
        expected.push_back(static_cast<std::int64_t>(i) < count ? value[i] : other[i]);
      EXPECT_EQ(after[0], expected) << count << " lanes, " << s.text();
      EXPECT_EQ(after[1], other) << s.text();
    }
}

// bf16 of both, as the plain conversion rounds.
// AVX512-BF16 makes zeros of denormal floats.
std::uint16_t packed_bf16(float value, const Target& target) {
  const bool flushed = target.has(Feature::avx512bf16) && std::fpclassify(value) == FP_SUBNORMAL;
  return kernels::f32_to_bf16(flushed ? std::copysign(0.0f, value) : value);
}

// Runs pack(a, low, high, scratch) on pairs of numbers, among them ties, denormals and values without end.
template <typename Pack, typename Half>
void check_packed_pairs(std::initializer_list<std::uint32_t> ties, Pack pack, Half half) {
  std::vector<float> low = {0.0f,
                            -0.0f,
                            1.0f,
                            std::numeric_limits<float>::max(),
                            1e-40f,
                            -1e-45f,
                            std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()};
  // Halfway between neighbours, from below and from above an even one, and next to halfway.
  for (const std::uint32_t bits : ties) low.push_back(std::bit_cast<float>(bits));
  RandomValues random(14);
  for (int i = 0; i < 100; ++i) low.push_back(random.value() * std::exp2(60 * random.value()));
  for (const IsaSetting& s : isa_settings())
    for_each_register(s, low, [&](const std::vector<float>& x) {
      const std::vector<float> y(x.rbegin(), x.rend());
      const Four after =
          run_isa(s, {words_of(x), words_of(y)}, [&](Assembler& a, const auto& v) { pack(a, v); });
      Words expected;
      for (std::size_t i = 0; i < x.size(); ++i)
        expected.push_back(static_cast<std::uint32_t>(half(y[i], s.target)) << 16 | half(x[i], s.target));
      EXPECT_EQ(after[0], expected) << s.text();
    });
}

TEST(VectorIsa, PackBf16Pairs) {
  check_packed_pairs(
      {0x3f808000u, 0x3f818000u, 0x3f807fffu, 0x3f808001u, 0xbf818000u, 0x3fffffffu},
      [](Assembler& a, const auto& v) { a.isa().pack_bf16_pairs(v[0], v[1], v[2]); }, packed_bf16);
}

TEST(VectorIsa, PackF16Pairs) {
  // The last ones: either side of what rounds to infinity, and of half the smallest denormal.
  check_packed_pairs(
      {0x3f801000u, 0x3f803000u, 0x3f800fffu, 0x3f801001u, 0xbf803000u, 0x3fffffffu, 0x477fefffu, 0x477ff000u,
       0x33000000u, 0x33000001u},
      [](Assembler& a, const auto& v) { a.isa().pack_f16_pairs(v[0], v[1], v[2]); },
      [](float value, const Target&) { return kernels::f32_to_f16(value); });
}

}  // namespace
}  // namespace burin::jit
