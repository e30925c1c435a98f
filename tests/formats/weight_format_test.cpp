#include "templates/formats/weight_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "templates/formats/weight_format_field.hpp"
#include "tests/support/error_text.hpp"

namespace burin::kernels {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(WeightFormat, TextOfKnownFormats) {
  EXPECT_EQ(to_text(WeightFormat::integer_format(4, true, 32, ScaleType::f16)), "int4s.g32.f16");
  EXPECT_EQ(to_text(WeightFormat::integer_format(3, false, 128, ScaleType::bf16)), "int3a.g128.bf16");
  EXPECT_EQ(to_text(WeightFormat::float_format(WeightKind::f32)), "f32");
  EXPECT_EQ(to_text(WeightFormat::float_format(WeightKind::f16)), "f16");
  EXPECT_EQ(to_text(WeightFormat::float_format(WeightKind::bf16)), "bf16");
  EXPECT_EQ(to_text(WeightFormat::fp8_format(WeightKind::e4m3, 128, ScaleType::f32)), "e4m3.g128.f32");
  EXPECT_EQ(to_text(WeightFormat::integer_format(8, true, kWholeRow, ScaleType::f16)), "int8s.row.f16");
}

TEST(WeightFormat, TextRoundTripsAndIsUnique) {
  std::set<std::string> texts;
  std::size_t count = 0;
  const auto check = [&](const WeightFormat& format) {
    const std::string text = to_text(format);
    EXPECT_EQ(parse_weight_format(text), format) << text;
    WeightFormat field;
    read_field(text, field);
    std::string written;
    write_field(written, field);
    EXPECT_EQ(written, text);
    texts.insert(text);
    ++count;
  };
  for (const WeightKind kind : {WeightKind::f32, WeightKind::f16, WeightKind::bf16})
    check(WeightFormat::float_format(kind));
  for (int bits = 1; bits <= 8; ++bits)
    for (const bool symmetric : {true, false})
      for (const int group : {16, 32, 64, 128, 1024, 4096, kWholeRow})
        for (const ScaleType scale : {ScaleType::f32, ScaleType::f16, ScaleType::bf16})
          check(WeightFormat::integer_format(bits, symmetric, group, scale));
  for (std::size_t table = 1; table < std::size(kValueTables); ++table)
    for (const int group : {16, 32, 64, kWholeRow})
      for (const ScaleType scale : {ScaleType::f32, ScaleType::f16, ScaleType::bf16})
        check(WeightFormat::table_format(static_cast<TableName>(table), group, scale));
  for (const WeightKind kind : {WeightKind::e4m3, WeightKind::e5m2})
    for (const int group : {16, 128, kWholeRow})
      for (const ScaleType scale : {ScaleType::f32, ScaleType::f16, ScaleType::bf16, ScaleType::e8m0})
        check(WeightFormat::fp8_format(kind, group, scale));
  check(WeightFormat::table_format(TableName::e2m1, 16, ScaleType::e4m3));
  check(WeightFormat::table_format(TableName::iq2, 16, ScaleType::two_level));
  check(WeightFormat::table_format(TableName::e2m1, 32, ScaleType::e8m0));
  EXPECT_EQ(texts.size(), count);
}

TEST(WeightFormat, ZeroCodes) {
  EXPECT_EQ(WeightFormat::integer_format(1, true, 32, ScaleType::f16).zero_code(), 1);
  EXPECT_EQ(WeightFormat::integer_format(4, true, 32, ScaleType::f16).zero_code(), 8);
  EXPECT_EQ(WeightFormat::integer_format(8, true, 32, ScaleType::f16).zero_code(), 128);
  EXPECT_EQ(WeightFormat::integer_format(4, false, 32, ScaleType::f16).zero_code(), 0);
  EXPECT_EQ(WeightFormat::float_format(WeightKind::f16).zero_code(), 0);
}

TEST(WeightFormat, KindsOfTables) {
  const WeightFormat iq4nl = parse_weight_format("iq4nl.g32.f16");
  EXPECT_EQ(iq4nl.bits, 4);
  EXPECT_TRUE(iq4nl.is_integer());
  EXPECT_EQ(iq4nl.zero_point(), 127);
  EXPECT_EQ(iq4nl.code_value(0), -127);
  EXPECT_EQ(iq4nl.code_value(15), 113);
  const WeightFormat nf4 = parse_weight_format("nf4.g64.f32");
  EXPECT_TRUE(nf4.has_codes());
  EXPECT_FALSE(nf4.is_integer());
  EXPECT_EQ(nf4.code_value(7), 0);
  EXPECT_EQ(parse_weight_format("iq2.g16.two").bits, 3);
  EXPECT_FALSE(parse_weight_format("f16").has_codes());
  const WeightFormat e5m2 = parse_weight_format("e5m2.row.bf16");
  EXPECT_TRUE(e5m2.has_codes() && e5m2.is_whole_row());
  EXPECT_FALSE(e5m2.is_integer());
  EXPECT_EQ(e5m2.zero_code(), 0);
  EXPECT_EQ(e5m2.code_value(0xbc), -1);
}

TEST(WeightFormat, BytesOfScales) {
  EXPECT_EQ(bytes_of(ScaleType::none), 0);
  EXPECT_EQ(bytes_of(ScaleType::f32), 4);
  EXPECT_EQ(bytes_of(ScaleType::f16), 2);
  EXPECT_EQ(bytes_of(ScaleType::bf16), 2);
  EXPECT_EQ(bytes_of(ScaleType::e8m0), 1);
  EXPECT_EQ(bytes_of(ScaleType::e4m3), 1);
}

TEST(WeightFormat, ErrorsNameThePartThatIsWrong) {
  const struct {
    const char* text;
    const char* part;
  } cases[] = {
      {"int9s.g32.f16", "9 bits"},
      {"int0s.g32.f16", "'0' is not a positive number"},
      {"int4x.g32.f16", "scheme 'x'"},
      {"int4s.g0.f16", "'0' is not a positive number"},
      {"int4s.g-32.f16", "'-32'"},
      {"int4s.g32x.f16", "'32x'"},
      {"int4s.g.f16", "'' is not"},
      {"int4s.g99999999999.f16", "'99999999999'"},
      {"int4s.g32.f64", "scale type 'f64'"},
      {"int4s.g32.", "scale type ''"},
      {"int4s.g32.none", "scale type 'none'"},
      {"int4s.g32.e8m0", "e2m1, e4m3 and e5m2 only"},
      {"nf4.g64.e8m0", "e2m1, e4m3 and e5m2 only"},
      {"iq2.g64.two", "16 or 32, not g64"},
      {"int4s.row.two", "16 or 32, not row"},
      {"e4m3.g32.two", "not for fp8"},
      {"e2m1.g32.e4m3", "use e2m1.g16.e4m3"},
      {"int4s.g16.e4m3", "use e2m1.g16.e4m3"},
      {"e4m3.grow.f32", "'row' is not a positive number"},
  };
  for (const auto& [text, part] : cases)
    EXPECT_THAT(tests::error_of([bad = text] { parse_weight_format(bad); }),
                AllOf(HasSubstr(std::string("'") + text + "'"), HasSubstr(part)))
        << text;
}

TEST(WeightFormat, OtherTextsAreRefusedWithAnExample) {
  for (const char* text : {"", "f64", "F32", "int4", "int4s", "int4s.g32", "int4s.32.f16", "int12s.g32.f16",
                           "q4s.g32.f16", "int4s.g32.f16.f16", " f32", "nf4"})
    EXPECT_THAT(
        tests::error_of([=] { parse_weight_format(text); }),
        AllOf(HasSubstr(std::string("'") + text + "'"), HasSubstr("like int4s.g32.f16 or nf4.g64.f32")))
        << text;
}

}  // namespace
}  // namespace burin::kernels
