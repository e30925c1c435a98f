// What the beams of a search are computed in.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "runtime/beam_search/beam_pool.hpp"
#include "runtime/session.hpp"

namespace burin::runtime {

// A session per beam, each a fork: blocks of the KV cache are shared from the prompt on, as far as the texts are the
// same, and copied when one of them writes to them. All compute on the prompt's session's threads, in one pass over the weights.
// Not thread-safe.
class BeamSessions {
 public:
  // One beam, behind all that `prompt` has evaluated; that one must outlive this, and not evaluate at the
  // same time.
  explicit BeamSessions(const Session& prompt);

  // After a step: sessions of these beams in place of their parents'. A beam's first child takes its session over;
  // others copy it, into sessions of beams that have ended where there are some.
  void follow(std::span<const Beam> beams);
  // Evaluates the last token of each, after follow().
  void evaluate(std::span<const Beam> beams);

  std::size_t size() const { return live_.size(); }
  const Session& session(std::size_t beam) const { return *live_[beam]; }
  std::vector<std::span<const float>> logits() const;  // a row per beam
  // Of all caches together, the prompt's among them; what they share counts once.
  std::size_t cache_bytes() const;

 private:
  std::unique_ptr<Session> copy_of(const Session& session);

  const Session& prompt_;
  std::vector<std::unique_ptr<Session>> live_;   // by beam
  std::vector<std::unique_ptr<Session>> spare_;  // of beams that have ended, empty
};

}  // namespace burin::runtime
