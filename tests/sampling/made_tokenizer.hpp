// A vocabulary that tests write out.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::tests {

// Encodes by the longest token that fits; `end` ends texts and has no text of its own.
class MadeTokenizer : public runtime::Tokenizer {
 public:
  explicit MadeTokenizer(std::vector<std::string> tokens, runtime::TokenId end = -1)
      : tokens_(std::move(tokens)), end_(end) {}

  std::vector<runtime::TokenId> encode(std::string_view text, runtime::EncodeOptions = {}) const override {
    std::vector<runtime::TokenId> ids;
    while (!text.empty()) {
      std::size_t best = tokens_.size();
      for (std::size_t id = 0; id < tokens_.size(); ++id)
        if (!tokens_[id].empty() && text.starts_with(tokens_[id]) &&
            (best == tokens_.size() || tokens_[id].size() > tokens_[best].size()))
          best = id;
      if (best == tokens_.size()) return ids;
      ids.push_back(static_cast<runtime::TokenId>(best));
      text.remove_prefix(tokens_[best].size());
    }
    return ids;
  }
  std::string_view token_bytes(runtime::TokenId id, bool special = false) const override {
    return id == end_ && !special ? std::string_view() : tokens_.at(static_cast<std::size_t>(id));
  }
  std::string decode(std::span<const runtime::TokenId> ids, bool special = false) const override {
    std::string text;
    for (const runtime::TokenId id : ids) text += token_bytes(id, special);
    return text;
  }
  std::size_t vocabulary_size() const override { return tokens_.size(); }
  runtime::TokenId bos() const override { return -1; }
  runtime::TokenId eos() const override { return end_; }
  bool is_end_of_generation(runtime::TokenId id) const override { return id == end_; }
  bool adds_bos() const override { return false; }
  bool adds_space_prefix() const override { return false; }

 private:
  std::vector<std::string> tokens_;
  runtime::TokenId end_;
};

}  // namespace burin::tests
