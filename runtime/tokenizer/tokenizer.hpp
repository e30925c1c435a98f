// Text to token ids and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/files/model_file.hpp"

namespace burin::runtime {

using TokenId = std::int32_t;

struct EncodeOptions {
  bool add_special = true;    // BOS and EOS as the model's tokenizer configuration asks for
  bool parse_special = true;  // special tokens written out in the text become their ids
};

// Immutable; thread-safe.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // From GGUF metadata, tokenizer.json, tokenizer.model (SentencePiece or tiktoken), vocab.json with
  // merges.txt, or llama2.c's tokenizer file. Throws burin::Error where there is none, it is damaged, or of a
  // kind not supported (named).
  static std::unique_ptr<Tokenizer> load(const ModelFile& model);
  // The same for a path, without weights: a model, a folder that has only tokenizer files, or one such file.
  static std::unique_ptr<Tokenizer> open(const std::filesystem::path& path);

  // Bytes that are no UTF-8 are encoded too, by byte tokens where the vocabulary has them.
  virtual std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const = 0;
  // The bytes a token stands for, valid as long as the tokenizer; special tokens are empty unless `special`.
  // Throws burin::Error for an id outside the vocabulary.
  virtual std::string_view token_bytes(TokenId id, bool special = false) const = 0;
  // Text of a whole sequence, without the space that encoding put in front.
  virtual std::string decode(std::span<const TokenId> ids, bool special = false) const = 0;

  virtual std::size_t vocabulary_size() const = 0;
  virtual TokenId bos() const = 0;                          // -1: none
  virtual TokenId eos() const = 0;                          // -1: none
  virtual bool is_end_of_generation(TokenId id) const = 0;  // EOS, EOT, ...
  virtual bool adds_bos() const = 0;
  // What encoding puts in front of a text: BOS, or what the model has in its place, if anything.
  virtual std::vector<TokenId> beginning() const {
    return adds_bos() ? std::vector<TokenId>{bos()} : std::vector<TokenId>();
  }
  // Whether encoding puts a space in front of a text, which decoding from its start takes away.
  virtual bool adds_space_prefix() const = 0;
};

// Decodes a stream of tokens so that every returned piece is whole UTF-8 characters; bytes that can no
// longer become a character are returned as U+FFFD. One stream per object; not thread-safe. Views are valid
// until the next call; once its buffers have grown to the longest token, it allocates nothing.
class StreamDecoder {
 public:
  // at_start: the stream begins the text, so the space that encoding adds is not part of it.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool at_start = false)
      : tokenizer_(tokenizer), drop_space_(at_start && tokenizer.adds_space_prefix()) {}
  std::string_view push(TokenId id);
  std::string_view finish();  // what is left, incomplete characters replaced

 private:
  const Tokenizer& tokenizer_;
  bool drop_space_;
  std::string pending_;  // bytes that may still become a character
  std::string ready_;    // what the last call returned
};

}  // namespace burin::runtime
