#include <algorithm>

#include "runtime/tokenizer/tokenizer.hpp"
#include "runtime/tokenizer/utf8.hpp"

namespace burin::runtime {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

}  // namespace

std::string_view StreamDecoder::push(TokenId id) {
  pending_ += tokenizer_.token_bytes(id);
  if (drop_space_ && !pending_.empty()) {
    if (pending_.front() == ' ') pending_.erase(0, 1);
    drop_space_ = false;
  }
  ready_.clear();
  std::size_t at = 0;
  while (at < pending_.size()) {
    const Utf8Step step = utf8_step(std::string_view(pending_).substr(at));
    if (step.incomplete) break;
    if (step.valid)
      ready_.append(pending_, at, step.length);
    else
      ready_ += kReplacement;
    at += step.length;
  }
  pending_.erase(0, at);
  return ready_;
}

std::string_view StreamDecoder::finish() {
  const bool is_cut_off = !pending_.empty();
  pending_.clear();
  return is_cut_off ? kReplacement : std::string_view();
}

}  // namespace burin::runtime
