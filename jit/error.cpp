#include "jit/error.hpp"

namespace burin {
namespace {

constexpr std::size_t kLongestQuote = 60;

}  // namespace

std::string printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes.substr(0, kLongestQuote)) {
    if (c >= 0x20 && c < 0x7f)
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  if (bytes.size() > kLongestQuote) text += "...";
  return text;
}

}  // namespace burin
