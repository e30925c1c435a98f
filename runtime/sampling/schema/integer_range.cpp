#include "runtime/sampling/schema/integer_range.hpp"

#include <algorithm>
#include <string_view>

#include "runtime/sampling/schema/gbnf_text.hpp"

namespace burin::runtime {
namespace {

constexpr std::uint64_t kMostDigits = 16;

std::string digit(char first, char last) {
  return gbnf_set({{static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)}});
}
std::string any_digits(std::size_t count) {
  return count == 0
             ? ""
             : " [0-9]" + gbnf_times(static_cast<std::int64_t>(count), static_cast<std::int64_t>(count));
}

// Numbers of as many digits as the bounds have, which have equally many: those with the least's first digit, those
// with the digits between, those with the most's.
std::string between(std::string_view least, std::string_view most) {
  if (least.empty()) return "";
  const std::size_t rest = least.size() - 1;
  const bool from_zeros = least.find_first_not_of('0') == least.npos;
  const bool to_nines = most.find_first_not_of('9') == most.npos;
  if (from_zeros && to_nines) return any_digits(rest + 1).substr(1);
  if (least[0] == most[0]) {
    const std::string tail = between(least.substr(1), most.substr(1));
    return digit(least[0], least[0]) + (tail.empty() ? "" : " " + tail);
  }
  const std::string nines(rest, '9'), zeros(rest, '0');
  char first = least[0], last = most[0];
  std::string ways;
  const auto add = [&](const std::string& way) { ways += (ways.empty() ? "" : " | ") + way; };
  if (least.substr(1) != zeros) {
    add(digit(first, first) + " " + between(least.substr(1), nines));
    ++first;
  }
  const bool last_is_partial = most.substr(1) != nines;
  if (last_is_partial) --last;
  if (first <= last) add(digit(first, last) + any_digits(rest));
  if (last_is_partial) add(digit(most[0], most[0]) + " " + between(zeros, most.substr(1)));
  return "(" + ways + ")";
}

std::uint64_t nines(std::size_t digits) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < digits; ++i) value = value * 10 + 9;
  return value;
}

// Not negative; from numbers of few digits to those of many.
std::string naturals(std::uint64_t least, std::uint64_t most) {
  std::string ways;
  while (least <= most) {
    const std::string first = std::to_string(least);
    const std::uint64_t last = std::min(most, nines(first.size()));
    ways += (ways.empty() ? "" : " | ") + between(first, std::to_string(last));
    if (last == most) break;
    least = last + 1;
  }
  return ways;
}

std::uint64_t magnitude(std::int64_t negative) { return 0 - static_cast<std::uint64_t>(negative); }

}  // namespace

std::string gbnf_integers(std::optional<std::int64_t> least, std::optional<std::int64_t> most) {
  const std::uint64_t unbounded = nines(kMostDigits);
  std::string ways;
  if (!least || *least < 0) {
    const std::uint64_t near = most && *most < 0 ? magnitude(*most) : 1;
    const std::uint64_t far = least ? magnitude(*least) : std::max(unbounded, near);
    const std::string negative = naturals(near, far);
    if (!negative.empty()) ways = "\"-\" (" + negative + ")";
  }
  if (!most || *most >= 0) {
    const std::uint64_t near = least && *least > 0 ? static_cast<std::uint64_t>(*least) : 0;
    const std::uint64_t far = most ? static_cast<std::uint64_t>(*most) : std::max(unbounded, near);
    const std::string natural = naturals(near, far);
    if (!natural.empty()) ways += (ways.empty() ? "" : " | ") + natural;
  }
  return ways;
}

}  // namespace burin::runtime
