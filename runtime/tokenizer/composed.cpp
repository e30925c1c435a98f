#include "runtime/tokenizer/composed.hpp"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

namespace burin::runtime {
namespace {

// Characters below U+0300 are composed already, and none of them composes with one before it. Their first bytes:
constexpr unsigned char kFirstOf0300 = 0xcc;

bool may_change(char first_byte) { return static_cast<unsigned char>(first_byte) >= kFirstOf0300; }
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

void append_composed(std::string_view part, std::string& out) {
  utf8proc_uint8_t* result = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(part.data()),
                                               static_cast<utf8proc_ssize_t>(part.size()), &result, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  if (length < 0)
    out += part;
  else
    out.append(reinterpret_cast<const char*>(result), static_cast<std::size_t>(length));
}

}  // namespace

// Runs of characters that may change, each with the one before it.
std::string composed(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!may_change(text[at])) {
      ++at;
      continue;
    }
    std::size_t begin = at;
    while (begin > done && continues(text[begin - 1])) --begin;
    if (begin > done) --begin;
    while (at < text.size() && (may_change(text[at]) || continues(text[at]))) ++at;
    result += text.substr(done, begin - done);
    append_composed(text.substr(begin, at - begin), result);
    done = at;
  }
  result += text.substr(done);
  return result;
}

}  // namespace burin::runtime
