#include "runtime/tokenizer/space_words.hpp"

namespace burin::runtime {

void SpaceWords::add_token(std::string_view text) {
  for (std::size_t at = text.find(kSpaceMark, 1); at != std::string_view::npos;
       at = text.find(kSpaceMark, at + 1))
    before_mark_[static_cast<unsigned char>(text[at - 1])] = true;
}

}  // namespace burin::runtime
