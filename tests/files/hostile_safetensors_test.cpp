// safetensors files that are damaged or made up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "runtime/files/safetensors_file.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"

namespace burin::tests {
namespace {

using nlohmann::json;
using runtime::read_safetensors;

// In memory of exactly this size, so that sanitizers see every step past the end.
std::string refusal(std::string_view bytes) {
  const std::vector<char> exact(bytes.begin(), bytes.end());
  return refusal_of([&] { read_safetensors("f.safetensors", as_bytes({exact.data(), exact.size()})); });
}
std::string refusal(const std::string& header, const std::string& data) {
  return refusal(safetensors_bytes(header, data));
}

testing::Matcher<std::string> says_of_file(const std::vector<std::string>& parts) {
  return says("f.safetensors", parts);
}

// What is said of a file of 8 bytes of data whose only tensor has this entry.
std::string entry_refusal(const json& entry) {
  return refusal(json({{"some.tensor", entry}}).dump(), "12345678");
}

json good_entry() { return {{"dtype", "F32"}, {"shape", {1, 2}}, {"data_offsets", {0, 8}}}; }
std::string refusal_with(const char* key, const json& value) {
  json entry = good_entry();
  entry[key] = value;
  return entry_refusal(entry);
}

TEST(HostileSafetensors, EveryTruncationIsRefused) {
  SafetensorsWriter writer;
  writer.add("a", "F32", {2}, "12345678");
  writer.add("b", "U8", {3}, "123");
  writer.header["__metadata__"] = {{"format", "pt"}};
  const std::string bytes = writer.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_THAT(refusal(bytes.substr(0, size)), says_of_file({})) << size;
  EXPECT_THAT(refusal(bytes.substr(0, 7)), says_of_file({"only 7 bytes"}));
  EXPECT_THAT(refusal(bytes.substr(0, 20)), says_of_file({"header length is"}));
  EXPECT_THAT(refusal(bytes.substr(0, bytes.size() - 1)),
              says_of_file({"tensor b data_offsets are 8 to 11"}));
}

TEST(HostileSafetensors, HeaderLengthsAreChecked) {
  const std::string rest = "{}" + std::string(100, ' ');
  for (const std::uint64_t length :
       {std::uint64_t{103}, std::uint64_t{100'000'001}, std::uint64_t{1} << 32, std::uint64_t{1} << 63,
        std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max() - 7})
    EXPECT_THAT(refusal(value_bytes(length) + rest),
                says_of_file({fmt::format("header length is {}:", length)}));
  EXPECT_THAT(refusal(value_bytes(std::uint64_t{0})), says_of_file({"JSON"}));
  EXPECT_THAT(refusal(value_bytes(std::uint64_t{1}) + rest), says_of_file({"JSON is malformed"}));
  EXPECT_THAT(refusal(value_bytes(std::uint64_t{2}) + rest),
              says_of_file({"100 bytes of data belong to no tensor"}));
}

TEST(HostileSafetensors, HeadersThatAreNoObjectsAreRefused) {
  EXPECT_THAT(refusal("[]", ""), says_of_file({"JSON is array", "an object"}));
  EXPECT_THAT(refusal("7", ""), says_of_file({"JSON is number"}));
  EXPECT_THAT(refusal("null", ""), says_of_file({"JSON is null"}));
  EXPECT_THAT(refusal("{\"a\": }", ""),
              says_of_file({"JSON is malformed", "line 1, column 7", "unexpected '}'"}));
  EXPECT_THAT(refusal("{}x", ""), says_of_file({"JSON is malformed"}));
  EXPECT_THAT(refusal("{\"a\": 1e999}", ""), says_of_file({"JSON is malformed", "1e999"}));
  EXPECT_THAT(refusal("{\"\xff\": 1}", ""), says_of_file({"JSON is not UTF-8"}));
  EXPECT_THAT(refusal("{\"\\ud800\": 1}", ""), says_of_file({"JSON is malformed"}));
  EXPECT_THAT(refusal("{\"a\nb\": 1}", ""), says_of_file({"JSON is malformed"}));
  EXPECT_THAT(refusal("{\"a\": {}, \"a\": {}}", ""), says_of_file({"JSON key 'a' stands twice"}));
  EXPECT_THAT(refusal("{\"a\": {\"dtype\": \"U8\", \"dtype\": \"I8\"}}", ""),
              says_of_file({"'dtype' stands twice"}));
}

TEST(HostileSafetensors, DeepNestingIsRefused) {
  for (const std::size_t depth : {66u, 1000u, 1'000'000u}) {
    EXPECT_THAT(refusal(std::string(depth, '['), ""), says_of_file({"nested deeper than 64"}));
    std::string objects;
    for (std::size_t i = 0; i < depth; ++i) objects += "{\"a\":";
    EXPECT_THAT(refusal(objects, ""), says_of_file({"nested deeper than 64"}));
  }
}

TEST(HostileSafetensors, EntriesAreChecked) {
  for (const json& entry : {json(nullptr), json(1), json("F32"), json::array(), json::object()})
    EXPECT_THAT(entry_refusal(entry), says_of_file({"tensor some.tensor lacks"}));
  for (const char* key : {"dtype", "shape", "data_offsets"}) {
    json entry = good_entry();
    entry.erase(key);
    EXPECT_THAT(entry_refusal(entry), says_of_file({"tensor some.tensor lacks", key}));
  }
  json odd = json::object();
  odd["two\nlines"] = 1;
  EXPECT_THAT(refusal(odd.dump(), ""), says_of_file({"tensor two\\x0alines lacks"}));
}

TEST(HostileSafetensors, TypesAreChecked) {
  for (const char* type : {"F33", "", "f32", "BFLOAT16", "F32 "})
    EXPECT_THAT(refusal_with("dtype", type),
                says_of_file({fmt::format("tensor some.tensor dtype is '{}'", type)}));
  EXPECT_THAT(refusal_with("dtype", "F\n32"), says_of_file({"dtype is 'F\\x0a32'"}));
  EXPECT_THAT(refusal_with("dtype", 32), says_of_file({"tensor some.tensor dtype is number"}));
  EXPECT_THAT(refusal_with("dtype", nullptr), says_of_file({"tensor some.tensor dtype is null"}));
}

TEST(HostileSafetensors, ShapesAreChecked) {
  constexpr std::uint64_t k32 = std::uint64_t{1} << 32;
  for (const json& shape : {json(2), json("2"), json(nullptr), json::object(), json(std::vector<int>(17, 1))})
    EXPECT_THAT(refusal_with("shape", shape), says_of_file({"tensor some.tensor shape is no array"}));
  for (const json& dimension :
       {json(-1), json(1.5), json("2"), json(nullptr), json::array(), json(1e300),
        json(std::uint64_t{1} << 63), json(std::string(1000, 'x')), json("\n\xc3\xa9")})
    EXPECT_THAT(refusal_with("shape", json::array({dimension})),
                says_of_file({"tensor some.tensor shape has"}));
  EXPECT_THAT(refusal_with("shape", {k32, k32}), says_of_file({"tensor some.tensor", "overflows"}));
  EXPECT_THAT(refusal_with("shape", {k32, k32, 0}), says_of_file({"tensor some.tensor", "overflows"}));
  EXPECT_THAT(refusal_with("shape", {k32, 2}),
              says_of_file({"tensor some.tensor has 8 bytes", "34359738368"}));
  EXPECT_THAT(refusal_with("shape", {3}), says_of_file({"tensor some.tensor has 8 bytes", "need 12"}));
  EXPECT_THAT(refusal_with("shape", json::array()),
              says_of_file({"tensor some.tensor has 8 bytes", "need 4"}));
}

TEST(HostileSafetensors, OffsetsAreChecked) {
  for (const json& offsets :
       {json(0), json(nullptr), json::array(), json::array({0}), json({0, 8, 8}), json({-1, 8}),
        json({0.0, 8.0}), json({"0", "8"}), json({nullptr, 8}), json::object()})
    EXPECT_THAT(refusal_with("data_offsets", offsets), says_of_file({"tensor some.tensor data_offsets"}));
  EXPECT_THAT(refusal_with("data_offsets", {8, 0}),
              says_of_file({"tensor some.tensor data_offsets are 8 to 0"}));
  EXPECT_THAT(refusal_with("data_offsets", {0, 9}),
              says_of_file({"tensor some.tensor data_offsets are 0 to 9"}));
  EXPECT_THAT(refusal_with("data_offsets", {std::uint64_t{1} << 63, 8}),
              says_of_file({"9223372036854775808 to 8"}));
  EXPECT_THAT(refusal_with("data_offsets", {0, std::numeric_limits<std::uint64_t>::max()}),
              says_of_file({"0 to 18446744073709551615"}));
  EXPECT_THAT(refusal_with("data_offsets", {0, 4}),
              says_of_file({"tensor some.tensor has 4 bytes", "need 8"}));
}

TEST(HostileSafetensors, OverlapsAndHolesAreRefused) {
  const auto two = [](std::uint64_t begin_a, std::uint64_t begin_b) {
    const auto entry = [](std::uint64_t begin) {
      return json({{"dtype", "U8"}, {"shape", {4}}, {"data_offsets", {begin, begin + 4}}});
    };
    return refusal(json({{"a", entry(begin_a)}, {"b", entry(begin_b)}}).dump(), "1234567890");
  };
  EXPECT_THAT(two(0, 3), says_of_file({"tensor b begins at byte 3", "4 is expected"}));
  EXPECT_THAT(two(0, 0), says_of_file({"tensor ", "begins at byte 0", "4 is expected"}));
  EXPECT_THAT(two(5, 0), says_of_file({"tensor a begins at byte 5", "4 is expected"}));
  EXPECT_THAT(two(1, 5), says_of_file({"tensor a begins at byte 1", "0 is expected"}));
  EXPECT_THAT(two(4, 0), says_of_file({"2 bytes of data belong to no tensor"}));
}

TEST(HostileSafetensors, MetadataIsChecked) {
  EXPECT_THAT(refusal(R"({"__metadata__": []})", ""), says_of_file({"__metadata__ is array"}));
  EXPECT_THAT(refusal(R"({"__metadata__": {"a\nb": 1}})", ""),
              says_of_file({"__metadata__ a\\x0ab is number"}));
}

}  // namespace
}  // namespace burin::tests
