// Tokens of words that occur again and again within one text.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

// Of one list of tokens, which only grows meanwhile. Words must live as long.
class WordCache {
 public:
  explicit WordCache(std::vector<TokenId>& ids) : ids_(ids) {}

  std::vector<TokenId>& ids() { return ids_; }
  // A text for words, which lives as long as the cache.
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  // Appends the word's tokens: encode(word) appends them the first time.
  template <typename Encode>
  void append(std::string_view word, const Encode& encode) {
    const auto [known, is_new] = places_.try_emplace(word);
    Place& place = known->second;
    if (is_new) {
      place.first = ids_.size();
      encode(word);
      place.count = ids_.size() - place.first;
      return;
    }
    for (std::size_t i = 0; i < place.count; ++i) ids_.push_back(TokenId{ids_[place.first + i]});
  }

 private:
  struct Place {
    std::size_t first = 0;
    std::size_t count = 0;
  };

  std::vector<TokenId>& ids_;
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, Place> places_;
};

}  // namespace burin::runtime
