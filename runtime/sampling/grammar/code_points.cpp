#include "runtime/sampling/grammar/code_points.hpp"

#include <algorithm>

namespace burin::runtime {
namespace {

constexpr CodePointRange kSurrogates = {0xd800, 0xdfff};

std::vector<CodePointRange> merged(std::vector<CodePointRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const CodePointRange& a, const CodePointRange& b) { return a.first < b.first; });
  std::vector<CodePointRange> result;
  for (const CodePointRange& range : ranges) {
    if (!result.empty() && range.first <= result.back().last + 1)
      result.back().last = std::max(result.back().last, range.last);
    else
      result.push_back(range);
  }
  return result;
}

std::vector<CodePointRange> gaps_between(const std::vector<CodePointRange>& ranges) {
  std::vector<CodePointRange> gaps;
  std::uint32_t next = 0;
  for (const CodePointRange& range : ranges) {
    if (range.first > next) gaps.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) gaps.push_back({next, kLastCodePoint});
  return gaps;
}

}  // namespace

CodePointSet::CodePointSet(std::vector<CodePointRange> ranges, bool negated)
    : ranges_(merged(std::move(ranges))) {
  if (negated) ranges_ = gaps_between(ranges_);
}

bool CodePointSet::has(std::uint32_t code_point) const { return meets({code_point, code_point}); }

bool CodePointSet::meets(CodePointRange range) const {
  const auto found =
      std::lower_bound(ranges_.begin(), ranges_.end(), range.first,
                       [](const CodePointRange& own, std::uint32_t first) { return own.last < first; });
  return found != ranges_.end() && found->first <= range.last;
}

Utf8Prefix::Step Utf8Prefix::push(unsigned char byte) {
  if (missing_ > 0) {
    if ((byte & 0xc0u) != 0x80u) return Step::invalid;
    value_ = value_ << 6 | (byte & 0x3fu);
    --missing_;
  } else if (byte < 0x80) {
    *this = {};
    value_ = byte;
  } else if (byte >= 0xc2 && byte < 0xe0) {
    value_ = byte & 0x1fu, missing_ = 1, least_ = 0x80;
  } else if (byte >= 0xe0 && byte < 0xf0) {
    value_ = byte & 0x0fu, missing_ = 2, least_ = 0x800;
  } else if (byte >= 0xf0 && byte < 0xf5) {
    value_ = byte & 0x07u, missing_ = 3, least_ = 0x10000;
  } else {
    return Step::invalid;
  }
  if (missing_ > 0) {
    const CodePointRange left = possible();
    return left.first <= left.last ? Step::incomplete : Step::invalid;
  }
  const bool is_surrogate = value_ >= kSurrogates.first && value_ <= kSurrogates.last;
  const bool fits = value_ >= least_ && value_ <= kLastCodePoint && !is_surrogate;
  return fits ? Step::complete : Step::invalid;
}

CodePointRange Utf8Prefix::possible() const {
  const std::uint32_t bits = 6 * missing_;
  CodePointRange range = {value_ << bits, (value_ << bits) | ((1u << bits) - 1)};
  range.first = std::max(range.first, least_);
  range.last = std::min(range.last, kLastCodePoint);
  // Surrogates fill a prefix of ED A0 and above to its end.
  if (range.first >= kSurrogates.first && range.first <= kSurrogates.last) range.first = kSurrogates.last + 1;
  return range;
}

bool Utf8Prefix::restore(const std::array<std::uint32_t, 3>& state) {
  const auto [value, missing, least] = state;
  if (missing == 0) {
    *this = {};
    return true;
  }
  const std::uint32_t needed = least == 0x80 ? 1 : least == 0x800 ? 2 : least == 0x10000 ? 3 : 0;
  if (missing > needed || value > kLastCodePoint >> (6 * missing)) return false;
  Utf8Prefix given;
  given.value_ = value, given.missing_ = missing, given.least_ = least;
  if (given.possible().first > given.possible().last) return false;
  *this = given;
  return true;
}

}  // namespace burin::runtime
