// Damages files at random, the same way for the same seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/byte_text.hpp"
#include "tests/support/random_values.hpp"

namespace burin::tests {

enum class FileKind : std::uint8_t { binary, json };

class Mutator {
 public:
  // `hot` leading bytes (the header) are damaged more often than what follows.
  Mutator(std::string good, std::size_t hot, FileKind kind, std::uint64_t seed)
      : good_(std::move(good)), hot_(std::min(hot, good_.size())), kind_(kind), random_(seed) {}

  // The good file with one to four things changed.
  std::string next() {
    std::string bytes = good_;
    const std::int64_t changes = 1 + random_.below(4);
    for (std::int64_t i = 0; i < changes && !bytes.empty(); ++i) change(bytes);
    return bytes;
  }

 private:
  void change(std::string& bytes) {
    const std::size_t at = position(bytes);
    switch (random_.below(kind_ == FileKind::json ? 9 : 7)) {
      case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << random_.below(8))); break;
      case 1: bytes[at] = static_cast<char>(random_.below(256)); break;
      case 2: overwrite(bytes, at, number_bytes()); break;
      case 3: bytes.resize(at); break;
      case 4: splice(bytes, at); break;
      case 5: bytes.erase(at, size_below(16)); break;
      case 6: overwrite(bytes, at / 4 * 4, number_bytes()); break;
      case 7: replace_number(bytes, at); break;
      default: bytes.insert(at, token()); break;
    }
  }

  std::size_t size_below(std::size_t limit) {
    return static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(limit)));
  }
  std::size_t position(const std::string& bytes) {
    const bool in_header = random_.below(8) != 0;
    return size_below(in_header ? std::clamp<std::size_t>(hot_, 1, bytes.size()) : bytes.size());
  }

  std::uint64_t number() {
    static constexpr std::uint64_t kNumbers[] = {
        0,          1,          2,          3,          7,           8,          31,         32,
        33,         64,         127,        255,        256,         0x7fff,     0xffff,     0x10000,
        0xffffff,   0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 1ull << 40, 1ull << 48, 1ull << 61,
        1ull << 62, ~0ull >> 1, 1ull << 63, ~0ull - 31, ~0ull - 7,   ~0ull - 1,  ~0ull,
    };
    return kNumbers[size_below(std::size(kNumbers))];
  }
  std::string number_bytes() {
    std::string bytes = value_bytes(number());
    bytes.resize(std::size_t{1} << random_.below(4));
    return bytes;
  }
  static void overwrite(std::string& bytes, std::size_t at, std::string_view with) {
    for (std::size_t i = 0; i < with.size() && at + i < bytes.size(); ++i) bytes[at + i] = with[i];
  }

  // A stretch from elsewhere in the file, in place of what is here or before it.
  void splice(std::string& bytes, std::size_t at) {
    const std::string piece = bytes.substr(position(bytes), 1 + size_below(64));
    if (random_.below(2) == 0)
      overwrite(bytes, at, piece);
    else
      bytes.insert(at, piece);
  }

  // The next run of digits becomes another number.
  void replace_number(std::string& bytes, std::size_t at) {
    const std::size_t first = bytes.find_first_of("0123456789", at);
    if (first == std::string::npos) return;
    const std::size_t last = std::min(bytes.find_first_not_of("0123456789", first), bytes.size());
    bytes.replace(first, last - first, std::to_string(number()));
  }
  std::string_view token() {
    static constexpr std::string_view kTokens[] = {
        "null",  "true",     "-1",           "1e999", "-", "[]",      "{}",      "[",   "{",    "}",
        "]",     "\"",       "\"\"",         ",",     ":", "\\u0000", "\\ud800", "\\n", "[[[[", "0.5",
        "1e308", "\"a\":1,", "\xef\xbb\xbf", " "};
    return kTokens[size_below(std::size(kTokens))];
  }

  std::string good_;
  std::size_t hot_;
  FileKind kind_;
  RandomValues random_;
};

}  // namespace burin::tests
