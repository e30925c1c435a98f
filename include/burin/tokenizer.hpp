/// @file
/// Text to token ids and back.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "burin/export.h"
#include "burin/options.hpp"
#include "burin/result.hpp"

namespace burin {

namespace runtime {
class Tokenizer;
}

/// How text becomes tokens.
struct EncodeOptions {
  bool add_special = true;    ///< begin (and end) of text as the model's configuration asks for
  bool parse_special = true;  ///< special tokens that are written out in the text become their ids
};

/// The tokenizer of a model. A cheap handle on something immutable: copies share it, and all functions may be
/// called by many threads at once. It may outlive the model it came from. Functions of a moved-from one fail
/// with ErrorCode::invalid_argument, or return what an empty vocabulary would.
class BURIN_API Tokenizer {
 public:
  /// From a model, a folder with tokenizer files, or one such file; weights are not read.
  /// Fails with load_failed or out_of_memory.
  static Result<Tokenizer> load(std::string_view path) noexcept;

  Tokenizer(const Tokenizer&) noexcept;
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(const Tokenizer&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// Ids of a text in UTF-8; bytes that are none are encoded by byte tokens where the vocabulary has them.
  /// Fails with out_of_memory, or failed where the vocabulary cannot express the text.
  Result<std::vector<TokenId>> encode(std::string_view text,
                                      const EncodeOptions& options = {}) const noexcept;
  /// Text of a whole sequence, without the space that encoding may have put in front.
  /// @param special whether special tokens are written out; else they are empty
  /// Fails with invalid_argument for an id outside the vocabulary, or out_of_memory.
  Result<std::string> decode(std::span<const TokenId> tokens, bool special = false) const noexcept;
  /// The bytes that a token stands for, which need not be whole characters; valid as long as any handle on
  /// this tokenizer. Fails with invalid_argument for an id outside the vocabulary.
  Result<std::string_view> token_bytes(TokenId token, bool special = false) const noexcept;

  /// How many ids there are: 0 to vocabulary_size() - 1.
  std::size_t vocabulary_size() const noexcept;
  /// The token that begins a text; -1: none.
  TokenId begin_of_text() const noexcept;
  /// Whether the token ends a text (or a turn of a conversation).
  bool ends_text(TokenId token) const noexcept;

 private:
  friend class Model;
  friend class TextStreamer;
  explicit Tokenizer(std::shared_ptr<const runtime::Tokenizer> shared) noexcept;
  std::shared_ptr<const runtime::Tokenizer> shared_;
};

}  // namespace burin
