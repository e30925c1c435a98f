#include "runtime/beam_search/beam_pool.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace burin::runtime {
namespace {

std::vector<TokenId> with(const std::vector<TokenId>& tokens, TokenId token) {
  std::vector<TokenId> longer = tokens;
  longer.push_back(token);
  return longer;
}

}  // namespace

BeamPool::BeamPool(const BeamSearchOptions& options, std::vector<TokenId> end_tokens)
    : options_(options), end_tokens_(std::move(end_tokens)), beams_(1), finished_(options) {
  validate(options);
}

bool BeamPool::is_end(TokenId token) const {
  return std::find(end_tokens_.begin(), end_tokens_.end(), token) != end_tokens_.end();
}

// So many that N of them do not end the text, whatever the others do.
std::vector<BeamCandidate> BeamPool::candidates(std::span<const std::span<const float>> logits) const {
  const std::size_t per_beam = std::max<std::size_t>(2, 1 + end_tokens_.size());
  std::vector<double> log_probabilities;
  for (const Beam& beam : beams_) log_probabilities.push_back(beam.log_probability);
  const std::span<const TokenId> banned =
      length_ < options_.min_new_tokens ? std::span(end_tokens_) : std::span<const TokenId>();
  return best_candidates(log_probabilities, logits, banned,
                         per_beam * static_cast<std::size_t>(options_.beams));
}

void BeamPool::advance(std::span<const std::span<const float>> logits, const CompletesStop& completes_stop) {
  const std::vector<BeamCandidate> best = candidates(logits);
  const auto wanted = static_cast<std::size_t>(options_.beams);
  ++length_;
  std::vector<Beam> next;
  for (std::size_t rank = 0; rank < best.size() && next.size() < wanted; ++rank) {
    const auto& [log_probability, beam, token] = best[rank];
    const std::vector<TokenId>& tokens = beams_[beam].tokens;
    const bool ends = is_end(token);
    if (!ends && !completes_stop(beam, token))
      next.push_back({with(tokens, token), log_probability, beam});
    else if (rank < wanted)
      finished_.add(ends ? tokens : with(tokens, token), log_probability, length_,
                    ends ? StopReason::end_of_text : StopReason::stop_text);
  }
  beams_ = std::move(next);
  done_ = beams_.empty() || finished_.suffice(best.front().log_probability, length_);
}

std::vector<FinishedText> BeamPool::finish(StopReason reason) const {
  FinishedTexts all = finished_;
  if (!done_)
    for (const Beam& beam : beams_) all.add(beam.tokens, beam.log_probability, length_, reason);
  return all.texts();
}

}  // namespace burin::runtime
