#include "runtime/chat/jinja/split.hpp"

#include <algorithm>

#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

using Parts = std::vector<std::string_view>;

bool may_cut(const Parts& parts, std::int64_t most) {
  return most < 0 || static_cast<std::int64_t>(parts.size()) < most;
}

// Where `separator` stands, found from the right, the rightmost first.
std::vector<std::size_t> places_from_right(std::string_view text, std::string_view separator,
                                           std::int64_t most) {
  const std::string backwards(text.rbegin(), text.rend());
  const std::string reversed(separator.rbegin(), separator.rend());
  std::vector<std::size_t> places;
  std::size_t at = 0;
  while ((most < 0 || static_cast<std::int64_t>(places.size()) < most) &&
         (at = find_text(backwards, reversed, at)) != std::string::npos) {
    places.push_back(text.size() - at - separator.size());
    at += separator.size();
  }
  return places;
}

Parts spaces_from_left(std::string_view text, std::int64_t most) {
  Parts parts;
  text = strip(text, Side::left);
  while (!text.empty() && may_cut(parts, most)) {
    std::size_t end = 0;
    for (std::size_t bytes = 0; end < text.size(); end += bytes)
      if (is_space(first_character(text.substr(end), bytes))) break;
    parts.push_back(text.substr(0, end));
    text = strip(text.substr(end), Side::left);
  }
  if (!text.empty()) parts.push_back(strip(text, Side::right));
  if (most >= 0 && !text.empty()) parts.back() = text;  // the rest stays as it is
  return parts;
}

Parts spaces_from_right(std::string_view text, std::int64_t most) {
  Parts parts;
  text = strip(text, Side::right);
  const Parts words = spaces_from_left(text, -1);
  std::size_t left = words.size();
  for (; left > 0 && may_cut(parts, most); --left) parts.push_back(words[left - 1]);
  if (left > 0) {
    const auto end = static_cast<std::size_t>(words[left - 1].data() - text.data()) + words[left - 1].size();
    parts.push_back(text.substr(0, end));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

bool ends_line(std::int32_t code) {
  return (code >= 0x0a && code <= 0x0d) || (code >= 0x1c && code <= 0x1e) || code == 0x85 || code == 0x2028 ||
         code == 0x2029;
}

}  // namespace

Parts split_at(std::string_view text, std::string_view separator, std::int64_t most, bool from_right) {
  Parts parts;
  if (from_right) {
    for (const std::size_t place : places_from_right(text, separator, most)) {
      parts.push_back(text.substr(place + separator.size()));
      text = text.substr(0, place);
    }
    parts.push_back(text);
    std::reverse(parts.begin(), parts.end());
    return parts;
  }
  while (may_cut(parts, most)) {
    const std::size_t at = find_text(text, separator, 0);
    if (at == std::string_view::npos) break;
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.push_back(text);
  return parts;
}

Parts split_at_spaces(std::string_view text, std::int64_t most, bool from_right) {
  return from_right ? spaces_from_right(text, most) : spaces_from_left(text, most);
}

Parts split_lines(std::string_view text, bool keep_ends) {
  Parts lines;
  while (!text.empty()) {
    std::size_t end = 0, bytes = 0;
    for (; end < text.size(); end += bytes)
      if (ends_line(first_character(text.substr(end), bytes))) break;
    std::size_t next = std::min(text.size(), end + bytes);
    if (text.substr(end, 2) == "\r\n") next = end + 2;
    lines.push_back(text.substr(0, keep_ends ? next : end));
    text.remove_prefix(next);
  }
  return lines;
}

std::string replace(std::string_view text, std::string_view old, std::string_view with, std::int64_t most,
                    Budget& budget) {
  budget.make(text.size());
  std::string result;
  for (std::int64_t count = 0; most < 0 || count < most; ++count) {
    const std::size_t at = find_text(text, old, 0);
    if (at == std::string_view::npos) break;
    result += text.substr(0, at);
    result += with;
    budget.read(with.size());
    if (result.size() > budget.limits().text_bytes) budget.make(result.size());
    text.remove_prefix(at + old.size());
    if (!old.empty()) continue;
    if (text.empty()) return result;
    const std::size_t next = character_offset(text, 1);
    result += text.substr(0, next);
    text.remove_prefix(next);
  }
  budget.make(result.size() + text.size());
  return result += text;
}

}  // namespace burin::runtime::jinja
