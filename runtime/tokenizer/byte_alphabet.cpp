// GPT-2's byte alphabet: printable Latin-1 bytes are themselves, the other 68 are U+0100 and up, in order.
#include "runtime/tokenizer/byte_alphabet.hpp"

#include <array>

#include "runtime/tokenizer/utf8.hpp"

namespace burin::runtime {
namespace {

constexpr std::uint32_t kFirstSubstitute = 0x100;

bool is_printable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

struct Alphabet {
  std::array<std::uint32_t, 256> code{};             // of a byte
  std::array<int, kFirstSubstitute + 68> byte_of{};  // of a code; -1: none

  Alphabet() {
    byte_of.fill(-1);
    std::uint32_t next = kFirstSubstitute;
    for (unsigned byte = 0; byte < 256; ++byte) {
      code[byte] = is_printable(byte) ? byte : next++;
      byte_of[code[byte]] = static_cast<int>(byte);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

std::string bytes_to_text(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const std::uint32_t code = alphabet().code[static_cast<unsigned char>(c)];
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else {
      text += static_cast<char>(0xc0 | (code >> 6));
      text += static_cast<char>(0x80 | (code & 0x3f));
    }
  }
  return text;
}

std::string text_to_bytes(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_step(text.substr(at)).length;
    const auto lead = static_cast<unsigned char>(text[at]);
    std::uint32_t code = lead;
    if (length == 2)
      code =
          static_cast<std::uint32_t>((lead & 0x1f) << 6 | (static_cast<unsigned char>(text[at + 1]) & 0x3f));
    const bool known = length <= 2 && code < alphabet().byte_of.size() && alphabet().byte_of[code] >= 0;
    if (known)
      bytes += static_cast<char>(alphabet().byte_of[code]);
    else
      bytes += text.substr(at, length);
    at += length;
  }
  return bytes;
}

}  // namespace burin::runtime
