// The packed layout: every format, every stored type, odd shapes, and what a column may be made of.
#include "templates/formats/packing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include "templates/formats/float16.hpp"
#include "templates/formats/quantize.hpp"
#include "tests/support/error_text.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using tests::RandomValues;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<WeightFormat> all_formats() {
  std::vector<WeightFormat> formats;
  for (const WeightKind kind : {WeightKind::f32, WeightKind::f16, WeightKind::bf16})
    formats.push_back(WeightFormat::float_format(kind));
  for (int bits = 1; bits <= 8; ++bits)
    for (const bool symmetric : {true, false})
      for (const ScaleType scale : {ScaleType::f32, ScaleType::f16, ScaleType::bf16})
        for (const int group : {16, 32, 96, 128, kWholeRow})
          formats.push_back(WeightFormat::integer_format(bits, symmetric, group, scale));
  for (int bits = 1; bits <= 8; ++bits)
    for (const bool symmetric : {true, false})
      for (const int group : {16, 32})
        formats.push_back(WeightFormat::integer_format(bits, symmetric, group, ScaleType::two_level));
  for (std::size_t table = 1; table < std::size(kValueTables); ++table)
    for (const ScaleType scale : {ScaleType::f32, ScaleType::f16, ScaleType::bf16, ScaleType::two_level})
      formats.push_back(WeightFormat::table_format(static_cast<TableName>(table), 32, scale));
  formats.push_back(WeightFormat::table_format(TableName::e2m1, 64, ScaleType::e8m0));
  formats.push_back(WeightFormat::table_format(TableName::nf4, 16, ScaleType::f16));
  for (const WeightKind kind : {WeightKind::e4m3, WeightKind::e5m2})
    for (const int group : {16, 128, kWholeRow})
      for (const ScaleType scale : {ScaleType::f32, ScaleType::f16, ScaleType::bf16, ScaleType::e8m0})
        formats.push_back(WeightFormat::fp8_format(kind, group, scale));
  return formats;
}

// Where a stored block has f16 numbers, scales and minimums, in bytes.
std::vector<int> f16_places(StoredType type) {
  switch (type) {
    case StoredType::f32: return {};
    case StoredType::q2_k: return {80, 82};
    case StoredType::q3_k: return {108};
    case StoredType::q4_1:
    case StoredType::q5_1:
    case StoredType::q4_k:
    case StoredType::q5_k: return {0, 2};
    case StoredType::q6_k: return {208};
    case StoredType::tq1_0: return {52};
    case StoredType::tq2_0: return {64};
    case StoredType::iq1_m: return {54};  // its highest bits
    case StoredType::mxfp4:
      return {-1};  // not f16, but clearing the same bit of its exponent makes it small too
    default: return {0};
  }
}

// Rows of any stored type: random codes, and scales that are finite.
struct Stored {
  Stored(StoredType stored_type, std::int64_t row_count, std::int64_t column_count, std::uint64_t seed)
      : type(stored_type), rows(row_count), columns(column_count) {
    const StoredLayout& layout = layout_of(type);
    const auto blocks = static_cast<std::size_t>(rows * columns / layout.elements);
    bytes.resize(blocks * static_cast<std::size_t>(layout.bytes));
    RandomValues random(seed);
    for (std::size_t block = 0; block < blocks; ++block) {
      std::byte* at = bytes.data() + block * static_cast<std::size_t>(layout.bytes);
      if (type == StoredType::f32) {
        const float value = random.value();
        std::memcpy(at, &value, sizeof(value));
        continue;
      }
      for (int i = 0; i < layout.bytes; ++i) at[i] = static_cast<std::byte>(random.bits());
      for (const int place : f16_places(type)) at[place + 1] &= std::byte{0xbf};  // below 2 in size
    }
  }
  StoredMatrix matrix() const { return {bytes.data(), type, rows, columns}; }
  std::vector<float> row(std::int64_t index) const {
    std::vector<float> values(static_cast<std::size_t>(columns));
    const StoredLayout& layout = layout_of(type);
    stored_row_to_f32(type, bytes.data() + index * (columns / layout.elements) * layout.bytes, columns,
                      values.data());
    return values;
  }

  StoredType type;
  std::int64_t rows;
  std::int64_t columns;
  std::vector<std::byte> bytes;
};

std::vector<ColumnSource> rows_in_order(std::int64_t rows) {
  std::vector<ColumnSource> columns(
      static_cast<std::size_t>((rows + kBlockColumns - 1) / kBlockColumns * kBlockColumns));
  for (std::int64_t i = 0; i < rows; ++i)
    columns[static_cast<std::size_t>(i)].row = static_cast<std::int32_t>(i);
  return columns;
}

struct Packed {
  Packed(const WeightFormat& weight_format, std::vector<StoredMatrix> matrices,
         std::vector<ColumnSource> columns)
      : format(weight_format),
        shape(packed_shape(format, matrices[0].columns, static_cast<std::int64_t>(columns.size()))),
        bytes(shape.total_bytes, std::byte{0xa5}) {
    pack_blocks(format, shape.inputs, matrices, columns, 0, shape.columns / kBlockColumns, bytes.data());
  }
  float value(std::int64_t input, std::int64_t column) const {
    return packed_value(format, shape, bytes.data(), input, column);
  }

  WeightFormat format;
  PackedShape shape;
  std::vector<std::byte> bytes;
};

std::vector<float> rounded_superblocks(const WeightFormat& format, const std::vector<float>& values) {
  std::vector<float> result;
  for (std::size_t first = 0; first < values.size(); first += kSuperblock) {
    const std::size_t count = std::min(values.size() - first, static_cast<std::size_t>(kSuperblock));
    Superblock superblock;
    quantize_superblock(format, std::span(values).subspan(first, count), superblock);
    for (int i = 0; i < static_cast<int>(count); ++i) {
      const int group = i / format.group;
      const float minimum = format.symmetric ? 0.0f : superblock.group_minimum(group);
      result.push_back(
          std::fma(superblock.group_scale(group), format.code_value(superblock.codes[i]), -minimum));
    }
  }
  return result;
}

// What a column of these values must hold: rounded to the format, group by group.
std::vector<float> rounded(const WeightFormat& format, const std::vector<float>& values) {
  std::vector<float> result;
  if (!format.has_codes()) {
    for (const float value : values)
      result.push_back(format.kind == WeightKind::f16    ? f16_to_f32(f32_to_f16(value))
                       : format.kind == WeightKind::bf16 ? bf16_to_f32(f32_to_bf16(value))
                                                         : value);
    return result;
  }
  if (format.is_two_level()) return rounded_superblocks(format, values);
  const std::size_t size = format.is_whole_row() ? values.size() : static_cast<std::size_t>(format.group);
  for (std::size_t first = 0; first < values.size(); first += size) {
    const std::size_t count = std::min(values.size() - first, size);
    std::vector<std::uint8_t> codes(count);
    const QuantizedGroup group =
        quantize_group(format, std::span(values).subspan(first, count), codes.data());
    const float scale = scale_value(format.scale, group.scale);
    const float minimum = format.symmetric ? 0.0f : scale_value(format.scale, group.minimum);
    for (const std::uint8_t code : codes) result.push_back(std::fma(format.code_value(code), scale, minimum));
  }
  return result;
}

TEST(Packing, ShapesInBytes) {
  const PackedShape int4 = packed_shape(parse_weight_format("int4s.g32.f16"), 100, 33);
  EXPECT_EQ(int4.inputs, 100);
  EXPECT_EQ(int4.padded_inputs, 128);
  EXPECT_EQ(int4.columns, 64);
  EXPECT_EQ(int4.unit_bytes, 4u * 128 + 64);
  EXPECT_EQ(int4.block_bytes, 4 * int4.unit_bytes);
  EXPECT_EQ(int4.total_bytes, 2 * int4.block_bytes);
  const PackedShape int3 = packed_shape(parse_weight_format("int3a.g64.f32"), 64, 32);
  EXPECT_EQ(int3.total_bytes, 2u * 3 * 128 + 2 * 128);  // two steps of three rows, scales and minimums
  const PackedShape q4_k = packed_shape(natural_format(StoredType::q4_k), 257, 1);
  EXPECT_EQ(q4_k.padded_inputs, 512);
  EXPECT_EQ(q4_k.unit_bytes, 32u * 148);  // four more than in the file: scales of 8 bits, not 6
  EXPECT_EQ(packed_shape(natural_format(StoredType::q6_k), 256, 1).unit_bytes, 32u * 210);  // as in the file
  EXPECT_EQ(q4_k.total_bytes, 2 * q4_k.unit_bytes);
  const PackedShape fp8 = packed_shape(parse_weight_format("e4m3.g128.f32"), 200, 32);
  EXPECT_EQ(fp8.total_bytes, 2u * 32 * (128 + 4));
  const PackedShape g16 = packed_shape(parse_weight_format("int4a.g16.f16"), 33, 32);
  EXPECT_EQ(g16.padded_inputs, 64);
  EXPECT_EQ(g16.unit_bytes, 4u * 128 + 2 * 2 * 64);  // two groups of scales and minimums
  const PackedShape row = packed_shape(parse_weight_format("int8s.row.f32"), 1000, 64);
  EXPECT_EQ(row.padded_inputs, 1024);
  EXPECT_EQ(row.unit_inputs, 1024);
  EXPECT_EQ(row.total_bytes, 64u * (1024 + 4));
  const PackedShape nvfp4 = packed_shape(parse_weight_format("e2m1.g16.e4m3"), 64, 32);
  EXPECT_EQ(nvfp4.total_bytes, 32u * (32 + 4 + 4));  // codes, scales, a factor
  const PackedShape f16 = packed_shape(WeightFormat::float_format(WeightKind::f16), 9, 1);
  EXPECT_EQ(f16.padded_inputs, 16);
  EXPECT_EQ(f16.total_bytes, 16u * 32 * 2);
}

TEST(Packing, FormatsNoKernelReadsAreRefused) {
  const auto refusal = [](int bits, int group) {
    return tests::error_of(
        [=] { packed_shape(WeightFormat::integer_format(bits, true, group, ScaleType::f16), 64, 32); });
  };
  EXPECT_THAT(tests::error_of([] { packed_shape(parse_weight_format("int4s.g64.two"), 64, 32); }),
              AllOf(HasSubstr("int4s.g64.two"), HasSubstr("16 or 32")));
  EXPECT_THAT(refusal(4, 8), AllOf(HasSubstr("int4s.g8.f16"), HasSubstr("multiple of 32")));
  EXPECT_THAT(refusal(4, 48), HasSubstr("groups of 48"));
  EXPECT_THAT(refusal(4, 0), HasSubstr("groups of 0"));
  EXPECT_THAT(refusal(0, 32), HasSubstr("bits must be 1 to 8"));
  EXPECT_THAT(refusal(9, 32), HasSubstr("bits must be 1 to 8"));
}

TEST(Packing, EveryFormatHoldsTheRoundedValues) {
  for (const WeightFormat& format : all_formats())
    for (const std::int64_t inputs : {1, 77, 300}) {
      SCOPED_TRACE(to_text(format) + " inputs " + std::to_string(inputs));
      constexpr std::int64_t kColumns = 37;
      const Stored stored(StoredType::f32, kColumns, inputs, static_cast<std::uint64_t>(inputs));
      const Packed packed(format, {stored.matrix()}, rows_in_order(kColumns));
      for (std::int64_t column = 0; column < packed.shape.columns; ++column) {
        std::vector<float> expected(static_cast<std::size_t>(packed.shape.padded_inputs), 0.0f);
        if (column < kColumns) {
          const std::vector<float> values = rounded(format, stored.row(column));
          std::copy(values.begin(), values.end(), expected.begin());
        }
        // Past the inputs codes are the zero code; with a minimum, or in a table without zero, that is no
        // zero, and activations are zero there.
        const bool has_zero = format.symmetric && format.code_value(format.zero_code()) == 0;
        const bool zero_padded = has_zero || column >= kColumns;
        const std::int64_t end = zero_padded ? packed.shape.padded_inputs : inputs;
        for (std::int64_t input = 0; input < end; ++input)
          ASSERT_EQ(packed.value(input, column), expected[static_cast<std::size_t>(input)])
              << "input " << input << " column " << column;
      }
    }
}

// NVFP4: the largest value of a column is held under the largest scale; other scales are rounded to three bits.
TEST(Packing, ScalesUnderAFactorFollowTheirGroups) {
  const WeightFormat format = parse_weight_format("e2m1.g16.e4m3");
  Stored stored(StoredType::f32, 37, 80, 7);
  auto* values = reinterpret_cast<float*>(stored.bytes.data());
  std::fill_n(values + 5 * 80, 80, 0.0f);                     // a column of zeros
  for (int i = 0; i < 80; ++i) values[6 * 80 + i] *= 1e-20f;  // factors have their exponents
  for (int i = 0; i < 16; ++i)
    values[7 * 80 + 16 + i] = 1e-9f * values[7 * 80 + i];  // a group too small for a scale
  const Packed packed(format, {stored.matrix()}, rows_in_order(stored.rows));
  for (std::int64_t row = 0; row < stored.rows; ++row) {
    const std::vector<float> exact = stored.row(row);
    const auto larger = [](float a, float b) { return std::fabs(a) < std::fabs(b); };
    const float extreme = std::fabs(*std::max_element(exact.begin(), exact.end(), larger));
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const auto group = exact.begin() + static_cast<std::ptrdiff_t>(i / 16 * 16);
      const float largest = std::fabs(*std::max_element(group, group + 16, larger));
      // Half of the widest gap, 4 to 6; a scale's last bit; a scale's smallest step.
      ASSERT_NEAR(packed.value(static_cast<std::int64_t>(i), row), exact[i],
                  largest * (1.0f / 6 + 1.0f / 16) + extreme * 0x1p-17f)
          << row << " " << i;
      if (std::fabs(exact[i]) == extreme) {
        ASSERT_NEAR(packed.value(static_cast<std::int64_t>(i), row), exact[i], extreme * 1e-6f);
      }
    }
  }
}

TEST(Packing, StoredBlocksAreMovedWithoutLoss) {
  for (const StoredType type :
       {StoredType::q4_0,  StoredType::q4_1,    StoredType::q5_0,  StoredType::q5_1,    StoredType::q8_0,
        StoredType::q2_k,  StoredType::q3_k,    StoredType::q4_k,  StoredType::q5_k,    StoredType::q6_k,
        StoredType::f16,   StoredType::bf16,    StoredType::f32,   StoredType::iq4_nl,  StoredType::iq4_xs,
        StoredType::mxfp4, StoredType::tq1_0,   StoredType::tq2_0, StoredType::iq2_xxs, StoredType::iq2_xs,
        StoredType::iq2_s, StoredType::iq3_xxs, StoredType::iq3_s, StoredType::iq1_s,   StoredType::iq1_m}) {
    SCOPED_TRACE(layout_of(type).name);
    const Stored stored(type, 45, layout_of(type).elements == kSuperblock ? 512 : 96, 11);
    const Packed packed(natural_format(type), {stored.matrix()}, rows_in_order(stored.rows));
    for (std::int64_t row = 0; row < stored.rows; ++row) {
      const std::vector<float> values = stored.row(row);
      for (std::int64_t input = 0; input < stored.columns; ++input)
        ASSERT_EQ(packed.value(input, row), values[static_cast<std::size_t>(input)]) << row << " " << input;
    }
  }
}

TEST(Packing, OtherFormatsAreRoundedFromTheDequantisedValues) {
  for (const StoredType type : {StoredType::q8_0, StoredType::q6_k, StoredType::tq2_0, StoredType::iq3_s}) {
    const Stored stored(type, 32, layout_of(type).elements == kSuperblock ? 512 : 128, 12);
    for (const char* text :
         {"int4s.g32.f16", "int4a.g64.bf16", "int8s.g32.f32", "int8s.g128.f16", "nf4.g64.f32",
          "e2m1.g32.e8m0", "int4a.g16.f16", "int8s.row.f32", "e4m3.g16.f16", "e5m2.row.f32", "bf16"}) {
      const WeightFormat format = parse_weight_format(text);
      const Packed packed(format, {stored.matrix()}, rows_in_order(stored.rows));
      for (std::int64_t row = 0; row < stored.rows; ++row) {
        const std::vector<float> expected = rounded(format, stored.row(row));
        for (std::int64_t input = 0; input < stored.columns; ++input)
          ASSERT_EQ(packed.value(input, row), expected[static_cast<std::size_t>(input)])
              << text << " of " << layout_of(type).name;
      }
    }
  }
}

// Rows of two matrices of different types in any order, some twice, some columns of zeros.
TEST(Packing, ColumnsComeFromWhereTheirSourcesSay) {
  const Stored first(StoredType::q4_0, 20, 64, 13);
  const Stored second(StoredType::f32, 30, 64, 14);
  std::vector<ColumnSource> columns;
  RandomValues random(15);
  for (int i = 0; i < 96; ++i) {
    const auto matrix = static_cast<std::int32_t>(random.below(2));
    const std::int64_t rows = matrix == 0 ? first.rows : second.rows;
    columns.push_back({matrix, i % 5 == 4 ? -1 : static_cast<std::int32_t>(random.below(rows))});
  }
  for (const char* text : {"int4s.g32.f16", "int3a.g64.f16", "f32", "f16", "bf16"}) {
    SCOPED_TRACE(text);
    const WeightFormat format = parse_weight_format(text);
    const Packed packed(format, {first.matrix(), second.matrix()}, columns);
    for (std::size_t column = 0; column < columns.size(); ++column) {
      std::vector<float> expected(64, 0.0f);
      if (columns[column].row >= 0) {
        const Stored& source = columns[column].matrix == 0 ? first : second;
        const bool moved = natural_format(source.type) == format;
        expected = moved ? source.row(columns[column].row) : rounded(format, source.row(columns[column].row));
      }
      for (std::int64_t input = 0; input < 64; ++input)
        ASSERT_EQ(packed.value(input, static_cast<std::int64_t>(column)),
                  expected[static_cast<std::size_t>(input)])
            << "input " << input << " column " << column;
    }
  }
}

TEST(Packing, ThreadsWithBlocksOfTheirOwnMakeTheSameBytes) {
  const Stored stored(StoredType::f32, 150, 77, 16);
  const std::vector<StoredMatrix> matrices = {stored.matrix()};
  const std::vector<ColumnSource> columns = rows_in_order(stored.rows);
  for (const char* text : {"int5a.g32.f16", "int4s.g64.f32", "bf16", "f32"}) {
    const Packed whole(parse_weight_format(text), matrices, columns);
    std::vector<std::byte> shared(whole.bytes.size(), std::byte{0x5a});
    std::vector<std::thread> threads;
    for (std::int64_t block = 0; block < whole.shape.columns / kBlockColumns; ++block)
      threads.emplace_back([&, block] {
        pack_blocks(whole.format, whole.shape.inputs, matrices, columns, block, block + 1, shared.data());
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(shared, whole.bytes) << text;
  }
}

// The bytes as the header draws them, which packed_value could get wrong in the same way as pack_blocks.
TEST(Packing, BytesLieAsDocumented) {
  std::vector<float> values(64);  // codes of int4 with scale 1: value + 8
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i * 7 + i / 32) % 16) - 8;
  values[0] = values[32] = -8;  // the extreme, so that the scale is 1
  const StoredMatrix matrix = {reinterpret_cast<const std::byte*>(values.data()), StoredType::f32, 2, 32};
  const Packed int4(parse_weight_format("int4s.g32.f16"), {matrix}, rows_in_order(2));
  const auto code = [&](int column, int input) {
    return static_cast<int>(values[static_cast<std::size_t>(column * 32 + input)]) + 8;
  };
  for (int column = 0; column < 2; ++column)
    for (int row = 0; row < 4; ++row)
      for (int byte = 0; byte < 4; ++byte) {
        const int low = code(column, 8 * row + byte);
        const int high = code(column, 8 * row + 4 + byte);
        EXPECT_EQ(std::to_integer<int>(int4.bytes[static_cast<std::size_t>(row * 128 + column * 4 + byte)]),
                  low | high << 4);
      }
  EXPECT_EQ(std::to_integer<int>(int4.bytes[512]), 0x00);  // f16 1.0, low byte first
  EXPECT_EQ(std::to_integer<int>(int4.bytes[513]), 0x3c);

  const Packed e4m3(parse_weight_format("e4m3.g32.e8m0"), {matrix}, rows_in_order(2));  // scale 2^-5
  for (int column = 0; column < 2; ++column)
    for (int input = 0; input < 32; ++input) {
      const auto at = static_cast<std::size_t>(input / 2 * 64 + column * 2 + input % 2);
      EXPECT_EQ(float8_to_f32(kE4m3, std::to_integer<unsigned>(e4m3.bytes[at])) / 32,
                values[static_cast<std::size_t>(column * 32 + input)]);
    }
  EXPECT_EQ(std::to_integer<int>(e4m3.bytes[1024]), 122);

  const Packed bf16(WeightFormat::float_format(WeightKind::bf16), {matrix}, rows_in_order(2));
  for (int input = 0; input < 32; ++input) {
    std::uint16_t bits;  // of column 1: pairs of inputs lie together
    std::memcpy(&bits, bf16.bytes.data() + (input / 2 * 64 + 2 + input % 2) * 2, sizeof(bits));
    EXPECT_EQ(bf16_to_f32(bits), values[static_cast<std::size_t>(32 + input)]);
  }
}

TEST(Packing, DamagedValuesAreRefusedByRowAndInput) {
  std::vector<float> values(3 * 64, 1.0f);
  const auto refusal = [&](const char* format) {
    const StoredMatrix matrix = {reinterpret_cast<const std::byte*>(values.data()), StoredType::f32, 3, 64};
    return tests::error_of([&] { Packed(parse_weight_format(format), {matrix}, rows_in_order(3)); });
  };
  values[2 * 64 + 40] = kInfinity;
  EXPECT_THAT(refusal("int4s.g32.f16"),
              AllOf(HasSubstr("row 2"), HasSubstr("inputs from 32"), HasSubstr("weight 8")));
  EXPECT_THAT(refusal("f16"), "no error");  // infinity is a value of f16
  values[2 * 64 + 40] = 65520.0f;
  EXPECT_THAT(refusal("f16"),
              AllOf(HasSubstr("row 2, input 40"), HasSubstr("65520"), HasSubstr("f32 or bf16")));
  EXPECT_THAT(refusal("bf16"), "no error");
  values[2 * 64 + 40] = 65519.0f;
  EXPECT_THAT(refusal("f16"), "no error");
}

}  // namespace
}  // namespace burin::kernels
