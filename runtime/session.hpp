// Evaluating tokens: what tools and embedding programs use.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/step_groups.hpp"
#include "runtime/model.hpp"

namespace burin::runtime {

class Sampler;      // sampling/sampler.hpp
struct StepRecord;  // trace.hpp

// Which positions of an evaluated sequence want logits.
enum class LogitsWanted : std::uint8_t { last, all };

// Which threads a fork computes on: own ones, so that both may evaluate at once, or those of the session it comes from
// (a call that finds them busy is refused), which costs nothing and wakes nobody.
enum class ForkThreads : std::uint8_t { own, shared };

// What happens when the context is full, and when memory for it is taken.
struct SessionOptions {
  // Tokens are discarded, so that text goes on for ever. Otherwise a full context is an error.
  bool endless = false;
  std::int64_t keep = 4;      // of the first tokens that always stay (attention sinks)
  std::int64_t discard = -1;  // how many behind them go at once; -1: half of what does not stay
  bool reserve = false;       // memory for the whole context at once, not block by block

  bool operator==(const SessionOptions&) const = default;
};

// One sequence: KV cache, position and the threads that work on it. To be used by one thread at a time (another
// one is refused by a burin::Error), but for fork() and save(); several sessions of a model run at once without waiting
// for each other, each with Model::threads() threads of its own, which sleep between calls.
//
// Endless sessions follow the streaming rule of LLM Runtime and StreamingLLM (Xiao et al., 2024): before a token is
// stored in a full cache, the `discard` oldest tokens behind the first `keep` go; a token's position is its index in
// the cache; keys and values are not computed again. Models with learned positions cannot do that: what is left is
// evaluated again; see evaluates_again().
class Session {
 public:
  // Throws burin::Error for options out of range.
  explicit Session(std::shared_ptr<const Model> model, const SessionOptions& options = {});
  ~Session();

  // Appends tokens to the sequence, in chunks of the plan's size. With LogitsWanted::all, sink is called
  // for every position in order with `vocabulary` floats; otherwise logits() holds the last position's.
  // Returns early where `cancel` becomes true. Throws burin::Error for an id outside the vocabulary or
  // when the context is full; the sequence is then unchanged; and where memory is refused, with the sequence as far
  // as it came. Allocates nothing but blocks of 64 positions of the cache.
  void evaluate(std::span<const TokenId> tokens, LogitsWanted wanted = LogitsWanted::last,
                const std::function<void(std::span<const float>)>* sink = nullptr,
                const std::atomic<bool>* cancel = nullptr);
  // Appends tokens[i] to sessions[i], all in one pass over the weights: up to some six rows take little longer than one,
  // where reading weights is what takes time. logits() of each are its own then, equal to those of evaluate() but for
  // rounding. Allocates short lists. The sessions, each there once, have the same model and options; they compute on the
  // first one's threads.
  // Throws burin::Error as evaluate() does, and where they do not fit together: all sequences are then unchanged.
  static void evaluate_together(std::span<Session* const> sessions, std::span<const TokenId> tokens);
  // The same as evaluate() for the last position's logits, step by step and slowly: `sink` is called after each.
  void trace(std::span<const TokenId> tokens, const std::function<void(const StepRecord&)>& sink);
  std::span<const float> logits() const;  // of the last evaluated position
  std::int64_t position() const;          // tokens fed, those that were discarded among them
  std::int64_t cached_tokens() const;     // of them in the cache
  std::size_t cache_bytes() const;        // memory of its keys and values; forks count what they share too
  // Of all of them together; what they share counts once.
  static std::size_t cache_bytes(std::span<const Session* const> sessions);
  const SessionOptions& options() const;  // nothing automatic
  bool evaluates_again() const;           // what is left, whenever tokens were discarded
  void reset();                           // empty cache

  // Goes back to where `position` tokens had been fed. Layers with windows may have overwritten what they saw then: it
  // is computed again. Throws burin::Error where position is not between the oldest token behind the sinks and the
  // current one; the sequence is then unchanged.
  void truncate(std::int64_t position);
  // Keeps what the sequence begins with in common with `prompt`, but at most all of it but the last token, and forgets
  // the rest; returns how many tokens need not be evaluated again. 0 where tokens were discarded.
  std::int64_t keep_prefix(std::span<const TokenId> prompt);
  // A second session that goes on from here: blocks of the cache are shared until one of them writes to them. May be
  // called while another thread evaluates: the fork is then made between two chunks.
  std::unique_ptr<Session> fork(ForkThreads threads = ForkThreads::own) const;
  // Forgets its sequence and goes on from the other's, as a fork of it would, with the threads and the memory that it
  // has. Throws burin::Error for a session of another model or with other options.
  void continue_from(const Session& other);

  // Writes the sequence to a file, or replaces it by what a file has, of the same model, context, KV type and sinks;
  // the machine may be another one. A sampler that is given is in the file too, and goes on as the one in the file,
  // where there is one. The file carries a SHA-256 and takes its name only once it is whole. Throws burin::Error
  // naming the file and what is wrong with it; session and sampler stay as they are then.
  void save(const std::string& path, const Sampler* sampler = nullptr) const;
  void restore(const std::string& path, Sampler* sampler = nullptr);

  // Seconds that thread 0 spent, with waiting for others, since construction or the last call with `reset`; for `bench`.
  struct StepTime {
    graph::StepGroup group;
    double seconds = 0;
  };
  std::vector<StepTime> step_times(bool reset = false);
  void measure_steps(bool on);

 private:
  struct State;
  class Together;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace burin::runtime
