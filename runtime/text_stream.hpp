// Turns generated tokens into text that may be shown.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/stop_texts.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

// One text, up to the first stop text. Copies go on from the same place. Without a tokenizer there is no text. Not
// thread-safe.
class TextStream {
 public:
  // Of what follows `prompt`. The tokenizer may be null and must outlive this. Throws burin::Error as StopTexts does.
  TextStream(const Tokenizer* tokenizer, std::span<const TokenId> prompt, std::vector<std::string> stops);

  // What may be shown with this token: whole characters, valid until the next call, often none.
  std::string_view push(TokenId token);
  // The text has ended: what was held back.
  std::string finish();
  // A stop text came; all text before it has been returned.
  bool stopped() const { return stops_.found(); }

 private:
  std::optional<StreamDecoder> decoder_;
  StopTexts stops_;
};

}  // namespace burin::runtime
