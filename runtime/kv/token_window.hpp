// Which tokens of an endless sequence are in the cache: the first ones, which stay, and the latest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/kv/kv_ring.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

// The streaming rule (Xiao et al., StreamingLLM, 2024; as LLM Runtime has it): before a token is stored in a full
// cache, the oldest `discard` tokens behind the first `keep` go.
struct StreamingRule {
  bool endless = false;  // otherwise a full cache stays full
  std::int64_t keep = 0;
  std::int64_t discard = 1;
};

class TokenWindow {
 public:
  TokenWindow(std::int64_t context, const StreamingRule& rule)
      : rule_(rule), ring_{rule.keep, context}, tokens_(static_cast<std::size_t>(context)) {}

  const StreamingRule& rule() const { return rule_; }
  std::int64_t context() const { return ring_.capacity; }
  // Of the next token; the number of tokens fed, but after restart().
  std::int64_t position() const { return position_; }
  std::int64_t removed() const { return removed_; }
  std::int64_t count() const { return position_ - removed_; }  // of tokens in the cache
  std::int64_t room() const { return context() - count(); }

  // There must be room.
  void append(std::span<const TokenId> tokens);
  // As the rule has it. The cache must be full.
  void discard() { removed_ += rule_.discard; }
  // Forgets the tokens from `position` on. False, and nothing happens, where others that were discarded would have to
  // come back, or where it is no position of the cache.
  bool cut(std::int64_t position);
  // The cached tokens in their order, count() of them.
  void copy_to(std::span<TokenId> tokens) const;
  TokenId at(std::int64_t index) const;  // 0 .. count() - 1
  // Empty, from position 0.
  void restart() { position_ = removed_ = 0; }
  // `position` tokens were fed, of which `removed` are gone and `tokens` left.
  void restore(std::int64_t position, std::int64_t removed, std::span<const TokenId> tokens);

 private:
  TokenId& of_slot(std::int64_t slot) { return tokens_[static_cast<std::size_t>(slot)]; }

  StreamingRule rule_;
  KvRing ring_;
  std::vector<TokenId> tokens_;  // by slot
  std::int64_t position_ = 0;
  std::int64_t removed_ = 0;
};

}  // namespace burin::runtime
