// Sets of Unicode code points, and code points that come byte by byte.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace burin::runtime {

inline constexpr std::uint32_t kLastCodePoint = 0x10ffff;

struct CodePointRange {
  std::uint32_t first;
  std::uint32_t last;  // included, not below first
};

// Immutable; thread-safe.
class CodePointSet {
 public:
  // In any order, overlapping or not. `negated`: all others.
  explicit CodePointSet(std::vector<CodePointRange> ranges, bool negated = false);

  bool has(std::uint32_t code_point) const;
  bool meets(CodePointRange range) const;                                // whether any of them is in the set
  const std::vector<CodePointRange>& ranges() const { return ranges_; }  // in order, with gaps between them

 private:
  std::vector<CodePointRange> ranges_;
};

// The beginning of a character in UTF-8. Refuses what RFC 3629 does: overlong forms, surrogates, more than
// U+10FFFF.
class Utf8Prefix {
 public:
  enum class Step : std::uint8_t { incomplete, complete, invalid };

  Step push(unsigned char byte);
  bool is_empty() const { return missing_ == 0; }
  std::uint32_t code_point() const { return value_; }  // of what is complete
  CodePointRange possible() const;                     // of what is incomplete

  // To be kept with a state.
  std::array<std::uint32_t, 3> state() const { return {value_, missing_, least_}; }
  // False, leaving it as it is, where no bytes lead there.
  bool restore(const std::array<std::uint32_t, 3>& state);

 private:
  std::uint32_t value_ = 0;    // of the bits so far
  std::uint32_t missing_ = 0;  // bytes
  std::uint32_t least_ = 0;    // code point that needs so many bytes
};

}  // namespace burin::runtime
