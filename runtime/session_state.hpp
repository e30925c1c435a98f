// What a session is made of: for session*.cpp only.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jit/error.hpp"
#include "runtime/executor.hpp"
#include "runtime/kv/sequence_file.hpp"
#include "runtime/kv/sink_keys.hpp"
#include "runtime/kv/token_window.hpp"
#include "runtime/model_state.hpp"
#include "runtime/sequence_rotation.hpp"
#include "runtime/session.hpp"
#include "runtime/trace.hpp"

namespace burin::runtime {

// What sessions compute on. Forks may share it.
struct SessionThreads {
  explicit SessionThreads(int count) : pool(count) {}
  ThreadPool pool;
  std::atomic<bool> evaluating{false};
};

// Refuses a second thread.
class SessionEvaluation {
 public:
  explicit SessionEvaluation(SessionThreads& threads) : evaluating_(threads.evaluating) {
    if (evaluating_.exchange(true, std::memory_order_acquire))
      fail("session: another thread is evaluating: use a session for each, or fork()");
  }
  ~SessionEvaluation() { evaluating_.store(false, std::memory_order_release); }
  SessionEvaluation(const SessionEvaluation&) = delete;

 private:
  std::atomic<bool>& evaluating_;
};

struct Session::State {
  // Throws burin::Error for options out of range.
  State(std::shared_ptr<const Model> model, const SessionOptions& options,
        std::shared_ptr<SessionThreads> threads = nullptr);

  const graph::Plan& plan() const { return model->plan(); }
  const BoundPlan& bound() const { return model->state().bound; }
  std::span<float> logits_row(std::int64_t row) const;

  // Both throw burin::Error.
  void check_ids(std::span<const TokenId> tokens) const;
  void check_room(std::int64_t tokens) const;

  // Of `tokens`: what fits into a chunk, the context, and slots in a row.
  std::size_t rows_at_once(std::size_t tokens) const;
  void make_room(std::int64_t tokens);
  // Everything that running the tokens in rows `first` and following ones of `to` needs, where make_room() has made room
  // for them; they count as cached from then on.
  void load_rows(Workspace& to, std::int64_t first, std::span<const TokenId> tokens);

  void run_chunk(std::span<const TokenId> tokens);
  void trace_chunk(std::span<const TokenId> tokens, const StepSink& sink);
  // Logits of the chunk's row `row`, to row 0 of the buffer.
  void run_head(std::int64_t row);
  void run_heads(std::int64_t rows, const std::function<void(std::span<const float>)>& sink);

  // Where the context is full, the oldest tokens behind the sinks go.
  void discard_if_full();
  // Before `tokens` more are evaluated. As the model defines it, all positions of a sequence rotate by its length; once it
  // has been full, it counts as that long.
  void fit_rotation(std::size_t tokens);
  // Forgets everything but the first `count` cached tokens, and evaluates those from position 0 on.
  void evaluate_again(std::int64_t count);

  void truncate(std::int64_t position);
  SequenceParts parts(const std::string& identity, std::optional<SamplerState>& sampling);
  // Blocks of the cache are shared from then on.
  void take_sequence(const State& other);
  void take_logits(std::span<const float> logits);
  void reset();

  std::shared_ptr<const Model> model;
  SessionOptions options;  // nothing automatic
  bool learned_positions;  // tokens' positions are part of their embeddings: they cannot move
  Workspace workspace;
  TokenWindow window;
  SinkKeys sinks;
  SequenceRotation rotation;
  std::vector<TokenId> left;                // while they are evaluated again
  std::int64_t forgotten = 0;               // tokens fed before the window's position 0
  std::int64_t rotated_for = 0;             // while the sequence is written: length that keys rotate for
  std::int64_t last_row = 0;                // of the logits buffer
  std::shared_ptr<SessionThreads> threads;  // its own, but for some forks: sessions never wait for each other
  mutable std::atomic<int> changing{0};     // the sequence; see ExclusiveUse

 private:
  void load_chunk(std::span<const TokenId> tokens);
  void fill_positions(Workspace& to, std::int64_t first, std::int64_t rows) const;
  void fill_query_factors(Workspace& to, std::int64_t first, std::int64_t rows) const;
};

}  // namespace burin::runtime
