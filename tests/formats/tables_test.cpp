// Tables of values: what their bytes are, and which code a value gets.
#include "templates/formats/tables.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <iterator>
#include <set>

#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

TableName name_at(std::size_t index) { return static_cast<TableName>(index); }

template <typename Check>
void for_each_table(Check check) {
  for (std::size_t i = 1; i < std::size(kValueTables); ++i) {
    SCOPED_TRACE(kValueTables[i].name);
    check(name_at(i), kValueTables[i]);
  }
}

TEST(Tables, NamesAreUnique) {
  std::set<std::string_view> names;
  for_each_table([&](TableName, const ValueTable& table) { EXPECT_TRUE(names.insert(table.name).second); });
  EXPECT_EQ(value_table(TableName::iq4nl).name, "iq4nl");
  EXPECT_EQ(value_table(TableName::nf4).name, "nf4");
  EXPECT_EQ(value_table(TableName::iq1).name, "iq1");
}

// So that int8 kernels compute the values exactly.
TEST(Tables, BytesAreTheValuesInSteps) {
  for_each_table([](TableName, const ValueTable& table) {
    if (table.steps == 0) return;
    for (int code = 0; code < table.size(); ++code) {
      const auto steps = static_cast<float>(table.byte(code) - table.zero_point());
      EXPECT_EQ(steps / static_cast<float>(table.steps), table.values[static_cast<std::size_t>(code)]);
      EXPECT_GE(table.byte(code), 0);
      EXPECT_LE(table.byte(code), table.span());
    }
    EXPECT_LE(table.span(), 255);
  });
}

TEST(Tables, FractionsHaveNoSteps) {
  EXPECT_EQ(value_table(TableName::nf4).steps, 0);
  EXPECT_EQ(value_table(TableName::fp4).steps, 0);
}

TEST(Tables, ZeroCodesAreClosestToZero) {
  EXPECT_EQ(value_table(TableName::nf4).zero_code(), 7);
  EXPECT_EQ(value_table(TableName::e2m1).zero_code(), 0);
  EXPECT_EQ(value_table(TableName::iq4nl).zero_code(), 8);  // no zero: 1
}

TEST(Tables, EveryValueGetsItsCode) {
  for_each_table([](TableName name, const ValueTable& table) {
    for (int code = 0; code < table.size(); ++code) {
      const float value = table.values[static_cast<std::size_t>(code)];
      EXPECT_EQ(table.values[static_cast<std::size_t>(nearest_code(name, value))], value);
    }
  });
  // Two codes stand for zero: the one without sign is for it, and for what is above.
  for (const TableName name : {TableName::e2m1, TableName::fp4}) {
    EXPECT_EQ(nearest_code(name, 0.0f), 0);
    EXPECT_EQ(nearest_code(name, 1e-6f), 0);
    EXPECT_EQ(nearest_code(name, -1e-6f), 8);
  }
}

TEST(Tables, OtherValuesGetTheNearest) {
  tests::RandomValues random(1);
  for_each_table([&](TableName name, const ValueTable& table) {
    const auto distance = [&](int code, float value) {
      return std::fabs(table.values[static_cast<std::size_t>(code)] - value);
    };
    for (int i = 0; i < 1000; ++i) {
      const float value = random.value() * 1.5f * table.largest();
      const int code = nearest_code(name, value);
      ASSERT_GE(code, 0);
      ASSERT_LT(code, table.size());
      for (int other = 0; other < table.size(); ++other)
        ASSERT_LE(distance(code, value), distance(other, value) * 1.000001f) << value;
    }
    EXPECT_EQ(table.values[static_cast<std::size_t>(nearest_code(name, 1e30f))], table.largest());
    EXPECT_EQ(table.values[static_cast<std::size_t>(nearest_code(name, -1e30f))], table.smallest());
  });
}

}  // namespace
}  // namespace burin::kernels
