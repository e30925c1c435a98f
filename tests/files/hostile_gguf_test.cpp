// GGUF headers that are damaged or made up: each is refused with one line that names the file and the field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/gguf_writer.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using runtime::GgufFile;
using runtime::ModelFile;

constexpr std::uint64_t kHuge[] = {std::uint64_t{1} << 32, std::uint64_t{1} << 62, std::uint64_t{1} << 63,
                                   std::numeric_limits<std::uint64_t>::max()};

// In memory of exactly this size, so that sanitizers see every step past the end.
std::string header_refusal(std::string_view bytes) {
  const std::vector<char> exact(bytes.begin(), bytes.end());
  return refusal_of([&] { GgufFile("f.gguf", as_bytes({exact.data(), exact.size()})); });
}
std::string header_refusal(const GgufWriter& gguf) { return header_refusal(gguf.bytes()); }

// A file of one key and one tensor, for headers that tests spoil.
GgufWriter small_gguf() {
  GgufWriter gguf;
  gguf.set("some.key", std::uint32_t{1});
  gguf.add("some.tensor", kernels::StoredType::f32, {2, 4}, std::vector<float>(8));
  return gguf;
}

// --- the beginning

TEST(HostileGguf, EveryTruncationIsRefused) {
  GgufWriter gguf = tiny_gguf();
  gguf.set_array<float>("floats", {1, 2, 3});
  const std::string bytes = gguf.bytes();
  const std::size_t header = gguf.header().size();
  for (std::size_t size = 0; size < header; ++size)
    ASSERT_THAT(header_refusal(bytes.substr(0, size)), says("f.gguf", {})) << size;
  for (std::size_t size = header; size < bytes.size(); size += size + 9 < bytes.size() ? 9u : 1u)
    ASSERT_THAT(header_refusal(bytes.substr(0, size)), says("f.gguf", {"tensor ", "download it again"}))
        << size;
  EXPECT_THAT(header_refusal(bytes.substr(0, 3)), says("f.gguf", {"magic", "byte 0"}));
  EXPECT_THAT(header_refusal(bytes.substr(0, 6)), says("f.gguf", {"version", "byte 4"}));
  EXPECT_THAT(header_refusal(bytes.substr(0, 10)), says("f.gguf", {"tensor count", "byte 8"}));
  EXPECT_THAT(header_refusal(bytes.substr(0, 23)), says("f.gguf", {"metadata count", "byte 16"}));
}

TEST(HostileGguf, MagicAndVersionAreChecked) {
  for (const char* magic : {"GGUE", "gguf", "FUGG"}) {
    GgufWriter gguf = small_gguf();
    gguf.magic = magic;
    EXPECT_THAT(header_refusal(gguf), says("f.gguf", {"magic"}));
  }
  for (const std::uint32_t version : {0u, 1u, 4u, 999u, 0xffffffffu}) {
    GgufWriter gguf = small_gguf();
    gguf.version = version;
    EXPECT_THAT(header_refusal(gguf), says("f.gguf", {fmt::format("version is {}:", version), "2 and 3"}));
  }
  GgufWriter gguf = small_gguf();
  gguf.version = 0x03000000;
  EXPECT_THAT(header_refusal(gguf), says("f.gguf", {"version is 0x3000000", "big-endian"}));
}

TEST(HostileGguf, CountsAreChecked) {
  for (const std::uint64_t count : kHuge) {
    GgufWriter tensors = small_gguf();
    tensors.tensor_count = count;
    EXPECT_THAT(header_refusal(tensors), says("f.gguf", {fmt::format("tensor count is {}:", count)}));
    GgufWriter metadata = small_gguf();
    metadata.metadata_count = count;
    EXPECT_THAT(header_refusal(metadata), says("f.gguf", {fmt::format("metadata count is {}:", count)}));
  }
  GgufWriter more = small_gguf();
  more.tensor_count = 2;
  EXPECT_THAT(header_refusal(more), says("f.gguf", {"tensor"}));
  GgufWriter fewer = small_gguf();
  fewer.metadata_count = 0;
  EXPECT_THAT(header_refusal(fewer), says("f.gguf", {"tensor"}));
}

// --- metadata

TEST(HostileGguf, LengthsOfTextsAndArraysAreChecked) {
  for (const std::uint64_t length : kHuge) {
    const std::string number = std::to_string(length);
    GgufWriter text = small_gguf();
    text.set_stored("text", 8, value_bytes(length) + "abc");
    EXPECT_THAT(header_refusal(text), says("f.gguf", {"metadata text has length " + number}));
    for (const std::uint32_t element : {0u, 5u, 8u, 12u}) {
      GgufWriter array = small_gguf();
      array.set_stored("list", 9, value_bytes(element) + value_bytes(length) + "abc");
      EXPECT_THAT(header_refusal(array), says("f.gguf", {"metadata list has " + number})) << element;
    }
    GgufWriter element = small_gguf();
    element.set_stored("list", 9, value_bytes(8u) + value_bytes(std::uint64_t{1}) + value_bytes(length));
    EXPECT_THAT(header_refusal(element), says("f.gguf", {"metadata list element 0 has length " + number}));
    const std::string key = "GGUF" + value_bytes(3u) + value_bytes(std::uint64_t{0}) +
                            value_bytes(std::uint64_t{1}) + value_bytes(length) + std::string(16, 'k');
    EXPECT_THAT(header_refusal(key), says("f.gguf", {"metadata key 0 has length " + number}));
  }
}

TEST(HostileGguf, UnknownTypesAreRefused) {
  for (const std::uint32_t type : {13u, 255u, 0x80000000u, 0xffffffffu}) {
    GgufWriter scalar = small_gguf();
    scalar.set_stored("odd", type, std::string(8, '\0'));
    EXPECT_THAT(header_refusal(scalar), says("f.gguf", {fmt::format("metadata odd type is {}:", type)}));
    GgufWriter array = small_gguf();
    array.set_stored("odd", 9, value_bytes(type) + value_bytes(std::uint64_t{1}) + "x");
    EXPECT_THAT(header_refusal(array),
                says("f.gguf", {fmt::format("metadata odd element type is {}:", type)}));
  }
  GgufWriter nested = small_gguf();
  nested.set_stored("nested", 9, value_bytes(9u) + value_bytes(std::uint64_t{1}) + "x");
  EXPECT_THAT(header_refusal(nested), says("f.gguf", {"metadata nested element type is 9"}));
}

TEST(HostileGguf, KeysAreChecked) {
  GgufWriter twice = small_gguf();
  twice.metadata.push_back(twice.metadata[0]);
  EXPECT_THAT(header_refusal(twice), says("f.gguf", {"metadata key 'some.key' stands twice"}));
  GgufWriter binary = small_gguf();
  binary.set("k\xff\n", true);
  EXPECT_THAT(header_refusal(binary), says("f.gguf", {"metadata key 1 is 'k\\xff\\x0a'", "not UTF-8"}));
  GgufWriter lines = small_gguf();
  lines.set_stored("two\nlines", 77, "");
  EXPECT_THAT(header_refusal(lines), says("f.gguf", {"metadata two\\x0alines type is 77"}));
  GgufWriter text = small_gguf();
  text.set("text", "\xc3(");
  EXPECT_THAT(header_refusal(text), says("f.gguf", {"metadata text is '\\xc3('", "not UTF-8"}));
  GgufWriter longest = small_gguf();
  longest.set(std::string(70000, 'k'), true);
  EXPECT_THAT(header_refusal(longest), says("f.gguf", {"metadata key 1 has length 70000"}));
}

TEST(HostileGguf, AlignmentIsChecked) {
  for (const std::int64_t alignment : {0, -32, 3, 48, 1 << 21}) {
    GgufWriter gguf = small_gguf();
    gguf.set("general.alignment", alignment);
    EXPECT_THAT(header_refusal(gguf), says("f.gguf", {fmt::format("general.alignment is {}:", alignment)}));
  }
  GgufWriter text = small_gguf();
  text.set("general.alignment", "32");
  EXPECT_THAT(header_refusal(text), says("f.gguf", {"metadata general.alignment has type 8"}));
}

// --- tensors

// What is said of the file whose only tensor was changed.
template <typename Change>
std::string tensor_refusal(Change&& change) {
  GgufWriter gguf = small_gguf();
  change(gguf.tensors[0]);
  return header_refusal(gguf);
}

TEST(HostileGguf, DimensionsAreChecked) {
  constexpr std::uint64_t k32 = std::uint64_t{1} << 32;
  const auto with = [](std::vector<std::uint64_t> dimensions) {
    return tensor_refusal([&](GgufTensorEntry& tensor) { tensor.dimensions = dimensions; });
  };
  EXPECT_THAT(with({}), says("f.gguf", {"tensor some.tensor has 0 dimensions"}));
  EXPECT_THAT(with({1, 1, 1, 1, 1}), says("f.gguf", {"tensor some.tensor has 5 dimensions"}));
  EXPECT_THAT(with({4, 0}), says("f.gguf", {"tensor some.tensor dimension 1 is 0"}));
  EXPECT_THAT(with({std::uint64_t{1} << 63}),
              says("f.gguf", {"some.tensor dimension 0 is 9223372036854775808"}));
  EXPECT_THAT(with({k32, k32}), says("f.gguf", {"tensor some.tensor", "overflows"}));
  EXPECT_THAT(with({k32, k32 / 4}), says("f.gguf", {"tensor some.tensor", "overflows"}));  // 4 bytes each
  EXPECT_THAT(with({k32, 4}), says("f.gguf", {"tensor some.tensor ends at", "68719476736"}));
  EXPECT_THAT(with({1u << 30, 1u << 30, 1u << 4, 1}), says("f.gguf", {"tensor some.tensor", "overflows"}));
  EXPECT_THAT(with({9, 1}), says("f.gguf", {"tensor some.tensor ends at"}));
}

TEST(HostileGguf, TypesAndRowsAreChecked) {
  for (const std::uint32_t type : {4u, 5u, 31u, 99u, 0xffffffffu})
    EXPECT_THAT(tensor_refusal([&](GgufTensorEntry& tensor) { tensor.type = type; }),
                says("f.gguf", {fmt::format("tensor some.tensor type is {}:", type)}));
  for (const std::uint32_t type : {2u, 3u, 6u, 7u, 8u, 14u})
    EXPECT_THAT(tensor_refusal([&](GgufTensorEntry& tensor) { tensor.type = type; }),
                says("f.gguf", {"tensor some.tensor has rows of 4", "a multiple of"}));
}

TEST(HostileGguf, OffsetsAreChecked) {
  const auto with = [](std::uint64_t offset) {
    return tensor_refusal([&](GgufTensorEntry& tensor) { tensor.offset = offset; });
  };
  EXPECT_THAT(with(1), says("f.gguf", {"tensor some.tensor offset is 1:", "alignment 32"}));
  EXPECT_THAT(with(16), says("f.gguf", {"tensor some.tensor offset is 16:"}));
  EXPECT_THAT(with(32), says("f.gguf", {"tensor some.tensor ends at byte"}));
  for (const std::uint64_t offset : kHuge)
    EXPECT_THAT(with(offset & ~31ull),
                says("f.gguf", {"tensor some.tensor ends at byte", std::to_string(offset & ~31ull)}));
}

TEST(HostileGguf, OverlapsAreRefused) {
  GgufWriter gguf = small_gguf();
  gguf.add("other", kernels::StoredType::f32, {64}, std::vector<float>(64));
  gguf.add("third", kernels::StoredType::f32, {8}, std::vector<float>(8));
  gguf.tensor("third").offset = 32 + 64;
  EXPECT_THAT(header_refusal(gguf), says("f.gguf", {"tensor third begins at", "within tensor other"}));
  gguf.tensor("third").offset = 0;
  EXPECT_THAT(header_refusal(gguf), says("f.gguf", {"within tensor"}));
}

TEST(HostileGguf, TensorNamesAreChecked) {
  GgufWriter twice = small_gguf();
  twice.tensors.push_back(twice.tensors[0]);
  EXPECT_THAT(header_refusal(twice), says("f.gguf", {"tensor some.tensor stands twice"}));
  const auto with = [](const std::string& name) {
    return tensor_refusal([&](GgufTensorEntry& tensor) { tensor.name = name; });
  };
  EXPECT_THAT(with("\xf0\x9f\x99"), says("f.gguf", {"tensor name is '\\xf0\\x9f\\x99'", "not UTF-8"}));
  EXPECT_THAT(with("\xed\xa0\x80"), says("f.gguf", {"not UTF-8"}));  // half a surrogate pair
  EXPECT_THAT(with(std::string(2000, 'n')), says("f.gguf", {"tensor name has length 2000"}));
  EXPECT_THAT(tensor_refusal([](GgufTensorEntry& tensor) {
                tensor.name = "a\nb\033[31m";
                tensor.type = 99;
              }),
              says("f.gguf", {"tensor a\\x0ab\\x1b[31m type is 99"}));
}

}  // namespace
}  // namespace burin::tests
