#include "runtime/sampling/schema/pattern.hpp"

#include <charconv>
#include <optional>
#include <vector>

#include "jit/error.hpp"
#include "runtime/sampling/grammar/code_points.hpp"
#include "runtime/sampling/grammar/grammar.hpp"
#include "runtime/sampling/schema/gbnf_text.hpp"

namespace burin::runtime {
namespace {

using Ranges = std::vector<CodePointRange>;

const Ranges kDigits = {{'0', '9'}};
const Ranges kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Ranges kSpaces = {{'\t', '\r'},     {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680},
                        {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                        {0x3000, 0x3000}, {0xfeff, 0xfeff}};
const Ranges kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
const Ranges kAll = {{0, kLastCodePoint}};

Ranges others(const Ranges& ranges) { return CodePointSet(ranges, true).ranges(); }

class PatternReader {
 public:
  PatternReader(std::string_view pattern, const std::string& subject)
      : whole_(pattern), left_(pattern), subject_(subject) {}

  std::string read() {
    const bool from_start = take("^");
    std::string body = alternatives(0);
    if (!left_.empty()) refuse("an unmatched )");
    if (alternatives_at_top_ && (from_start || to_end_))
      refuse("an anchor beside |, which it binds closer than: put the alternatives into a group");
    const std::string anything = gbnf_json_character(kAll) + "*";
    if (!from_start) body = anything + " (" + body + ")";
    if (!to_end_) body = "(" + body + ") " + anything;
    return body;
  }

 private:
  template <typename What>
  [[noreturn]] void refuse(const What& what) const {
    fail("{}: pattern {} has {}: only what docs/SAMPLING.md lists is supported", subject_, printable(whole_),
         what);
  }
  bool take(std::string_view text) {
    if (!left_.starts_with(text)) return false;
    left_.remove_prefix(text.size());
    return true;
  }

  std::string alternatives(int depth) {
    if (depth > kDeepestGroup / 2) refuse("groups that are too deep");
    std::string text = sequence(depth);
    while (take("|")) {
      if (depth == 0) alternatives_at_top_ = true;
      text += " | " + sequence(depth);
    }
    return text;
  }

  std::string sequence(int depth) {
    std::string text;
    while (!left_.empty() && left_.front() != '|' && left_.front() != ')') {
      if (take("$")) {
        if (!left_.empty() || depth > 0) refuse("$ before its end");
        to_end_ = true;
        break;
      }
      const std::string one = item(depth);
      text += (text.empty() ? "" : " ") + one + times();
    }
    return text;
  }

  std::string item(int depth) {
    if (take("(")) return group(depth);
    if (take("[")) return character(set());
    if (take(".")) return character(others(kLineEnds));
    if (take("\\")) return character(escape(false));
    for (const char* wrong : {"*", "+", "?", "{", "^"})
      if (left_.starts_with(wrong)) refuse(fmt::format("{} where it has no meaning", wrong));
    const std::uint32_t code_point = plain();
    return character({{code_point, code_point}});
  }

  std::string group(int depth) {
    if (take("?<=") || take("?<!") || take("?=") || take("?!")) refuse("look-around");
    if (take("?<")) {
      const std::size_t end = left_.find('>');
      if (end == left_.npos) refuse("a group without the end of its name");
      left_.remove_prefix(end + 1);
    } else if (!take("?:") && left_.starts_with("?")) {
      refuse("a kind of group that is unknown");
    }
    const std::string body = alternatives(depth + 1);
    if (!take(")")) refuse("a group without its end");
    return "(" + body + ")";
  }

  std::string character(const Ranges& ranges) const {
    const std::string text = gbnf_json_character(ranges);
    if (text.empty()) refuse("a character that JSON strings cannot have");
    return text;
  }

  Ranges set() {
    const bool negated = take("^");
    Ranges ranges;
    while (!take("]")) {
      const Ranges first = set_item();
      const bool is_range = left_.starts_with("-") && !left_.starts_with("-]");
      if (!is_range) {
        ranges.insert(ranges.end(), first.begin(), first.end());
        continue;
      }
      take("-");
      const Ranges last = set_item();
      if (!is_one(first) || !is_one(last) || last[0].last < first[0].first) refuse("a range that is none");
      ranges.push_back({first[0].first, last[0].last});
    }
    return negated ? others(ranges) : ranges;
  }
  static bool is_one(const Ranges& ranges) { return ranges.size() == 1 && ranges[0].first == ranges[0].last; }

  Ranges set_item() {
    if (left_.empty()) refuse("a set without its end");
    if (take("\\")) return escape(true);
    const std::uint32_t code_point = plain();
    return {{code_point, code_point}};
  }

  std::uint32_t plain() {
    Utf8Prefix prefix;
    Utf8Prefix::Step step = Utf8Prefix::Step::incomplete;
    while (step == Utf8Prefix::Step::incomplete && !left_.empty()) {
      step = prefix.push(static_cast<unsigned char>(left_.front()));
      left_.remove_prefix(1);
    }
    if (step != Utf8Prefix::Step::complete) refuse("bytes that are no UTF-8");
    return prefix.code_point();
  }

  Ranges escape(bool in_set) {
    if (left_.empty()) refuse("a \\ at its end");
    const char letter = left_.front();
    const auto one = [](std::uint32_t code_point) { return Ranges{{code_point, code_point}}; };
    left_.remove_prefix(1);
    switch (letter) {
      case 'd': return kDigits;
      case 'D': return others(kDigits);
      case 'w': return kWord;
      case 'W': return others(kWord);
      case 's': return kSpaces;
      case 'S': return others(kSpaces);
      case 'n': return one('\n');
      case 'r': return one('\r');
      case 't': return one('\t');
      case 'f': return one('\f');
      case 'v': return one('\v');
      case '0': return one(0);
      case 'x': return one(hexadecimal(2));
      case 'u': return one(hexadecimal(4));
      case 'b':
        if (in_set) return one('\b');
        break;
      default: break;
    }
    const bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    if (is_letter || (letter >= '1' && letter <= '9') || static_cast<unsigned char>(letter) >= 0x80)
      refuse(fmt::format("\\{}", printable(std::string_view(&letter, 1))));
    return one(static_cast<std::uint32_t>(letter));
  }

  std::uint32_t hexadecimal(std::size_t digits) {
    std::uint32_t value = 0;
    const std::string_view text = left_.substr(0, digits);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (text.size() != digits || error != std::errc() || end != text.data() + text.size())
      refuse("an escape without its hexadecimal digits");
    left_.remove_prefix(digits);
    return value;
  }

  std::string times() {
    std::string text;
    if (take("*"))
      text = "*";
    else if (take("+"))
      text = "+";
    else if (take("?"))
      text = "?";
    else if (take("{"))
      text = counted();
    if (!text.empty()) take("?");  // lazy: the same texts
    return text;
  }

  std::string counted() {
    const std::int64_t least = number();
    std::int64_t most = least;
    if (take(",")) most = left_.starts_with("}") ? -1 : number();
    if (!take("}")) refuse("{ without its end");
    if (most >= 0 && most < least) refuse("a repetition of at most less than at least");
    return gbnf_times(least, most);
  }
  std::int64_t number() {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), value);
    if (error != std::errc() || value < 0 || value > kMostRepetitions)
      refuse(fmt::format("a number of repetitions that is not 0 to {}", kMostRepetitions));
    left_.remove_prefix(static_cast<std::size_t>(end - left_.data()));
    return value;
  }

  std::string_view whole_;
  std::string_view left_;
  const std::string& subject_;
  bool to_end_ = false;
  bool alternatives_at_top_ = false;
};

}  // namespace

std::string gbnf_of_pattern(std::string_view pattern, const std::string& subject) {
  return PatternReader(pattern, subject).read();
}

}  // namespace burin::runtime
