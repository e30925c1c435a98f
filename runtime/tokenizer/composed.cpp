#include "runtime/tokenizer/composed.hpp"

#include "runtime/tokenizer/normalization.hpp"

namespace burin::runtime {
namespace {

// Characters below U+0300 are composed already, and none of them composes with one before it. Their first bytes:
constexpr unsigned char kFirstOf0300 = 0xcc;

bool may_change(char first_byte) { return static_cast<unsigned char>(first_byte) >= kFirstOf0300; }
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

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
    result += in_form(text.substr(begin, at - begin), UnicodeForm::nfc);
    done = at;
  }
  result += text.substr(done);
  return result;
}

}  // namespace burin::runtime
