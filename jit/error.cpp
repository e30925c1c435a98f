#include "jit/error.hpp"

namespace burin {

void fail_with(fmt::string_view format, fmt::format_args arguments) {
  throw Error(fmt::vformat(format, arguments));
}

std::string printable(std::string_view bytes, std::size_t longest) {
  std::string text;
  for (const char c : bytes.substr(0, longest)) {
    if (c >= 0x20 && c < 0x7f)
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  if (bytes.size() > longest) text += "...";
  return text;
}

}  // namespace burin
