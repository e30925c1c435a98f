#include "runtime/tokenizer/space_words.hpp"

namespace burin::runtime {
namespace {

// In a text, U+2581 itself may stand where a token has its space.
constexpr unsigned char kFirstOfMark = 0xe2, kLastOfMark = 0x81;

}  // namespace

void SpaceWords::add_token(std::string_view bytes) {
  if (bytes == " " || bytes == "\n") starts_[index_of(bytes[0])].is_token = true;
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    if (!may_begin_word(bytes[at])) continue;
    Start& start = starts_[index_of(bytes[at])];
    const auto add = [&](unsigned char before) {
      for (std::size_t after = 0; after < 256; ++after) {
        const bool ends = at + 1 == bytes.size();
        const auto next = static_cast<unsigned char>(ends ? 0 : bytes[at + 1]);
        if (ends || after == next || (next == ' ' && after == kFirstOfMark))
          start.goes_over.set(std::size_t{before} << 8 | after);
      }
    };
    add(static_cast<unsigned char>(bytes[at - 1]));
    if (bytes[at - 1] == ' ') add(kLastOfMark);
  }
}

}  // namespace burin::runtime
