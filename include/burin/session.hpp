/// @file
/// One sequence of tokens, and text that continues it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "burin/export.h"
#include "burin/model.hpp"
#include "burin/options.hpp"
#include "burin/result.hpp"
#include "burin/streamer.hpp"

namespace burin {

namespace api {
struct SessionState;
}

/// Why generation ended.
enum class StopReason : std::int32_t {
  end_of_text = 0,  ///< the model ended it
  length = 1,       ///< max_new_tokens
  context = 2,      ///< the context is full
  stop_text = 3,    ///< one of GenerationOptions::stops came
  stopped = 4,      ///< by the token callback, or Session::cancel()
};
/// "end_of_text" and so on; a literal, valid for ever.
BURIN_API std::string_view to_text(StopReason reason) noexcept;

/// One text that beam search has found.
struct BeamText {
  std::vector<TokenId> tokens;  ///< as in Generation
  std::string text;             ///< theirs
  /// Sum of the tokens' log-probabilities, the one that ends the text among them, by their number to the power of
  /// the length penalty.
  double score = 0;
  StopReason reason = StopReason::length;
};

/// What was generated; with beam search, the best text.
struct Generation {
  std::vector<TokenId> tokens;  ///< without the prompt and without a token that ends the text
  std::string text;             ///< theirs, up to the first stop text, in whole UTF-8 characters
  StopReason reason = StopReason::length;
  double prefill_seconds = 0;  ///< evaluating the prompt
  double decode_seconds = 0;   ///< all after it
  /// With beam search: all texts, best first, as many as beams, or all there are. Else none.
  std::vector<BeamText> beams = {};
};

/// Called for each new token, by the generating thread; false ends the text after it.
/// @param text what became certain with this token, whole UTF-8 characters, valid during the call; often
/// empty,
///             as characters and stop texts may span tokens. What is left at the end comes with token -1,
///             whose answer is not looked at. An exception ends the call with ErrorCode::callback_threw.
/// Beam search calls it when the text is decided, for all of it.
using OnToken = std::function<bool(TokenId token, std::string_view text)>;

/// One sequence: KV cache, position and sampling. Sessions of a model work at once without waiting for each
/// other, each on Model::threads() threads of its own, which sleep between calls.
///
/// A session is to be used by one thread at a time; any thread. A call while another one is under way fails
/// with ErrorCode::busy and changes nothing. Only cancel() may be called at any time. Functions of a
/// moved-from session fail with invalid_argument or return nothing.
class BURIN_API Session {
 public:
  /// Fails with invalid_argument, out_of_memory, or failed where no threads are to be had.
  static Result<Session> create(const Model& model, const SessionOptions& options = {}) noexcept;

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Appends tokens to the sequence; logits() are then those after the last one.
  /// Fails with invalid_argument for an id outside the vocabulary and context_full, the sequence being as
  /// before; with cancelled or out_of_memory, when whole chunks of the tokens may be in it (see position()).
  Result<void> evaluate(std::span<const TokenId> tokens) noexcept;
  /// The same, with the logits of every position.
  /// @param on_logits called for each of the tokens in order, with Model::vocabulary_size() floats that are
  ///                  valid during the call
  Result<void> evaluate(std::span<const TokenId> tokens,
                        const std::function<void(std::span<const float>)>& on_logits) noexcept;

  /// Appends tokens[i] to *sessions[i], all in one pass over the model's weights: as reading those is what takes
  /// the time of a token, a handful of sequences goes on almost as fast as one. Each session's logits() are then
  /// its own, as after evaluate() but for rounding (sums are added in another order).
  /// @param sessions of one model, with the same options but for sampling, each there once; they compute on the
  ///                 first one's threads. None is to be used by another thread meanwhile; cancel() does nothing.
  /// Fails as evaluate() does, and with invalid_argument where the sessions or numbers do not fit together, all
  /// sequences being as before; with busy for a session that another call uses or that is there twice.
  static Result<void> evaluate_together(std::span<Session* const> sessions,
                                        std::span<const TokenId> tokens) noexcept;

  /// Unnormalised log-probabilities of the next token: Model::vocabulary_size() floats, owned by the session,
  /// valid until its next call. Empty before the first evaluation and after reset().
  std::span<const float> logits() const noexcept;

  /// Picks the next token from logits() as the session's sampling has it. It is not appended: evaluate() does
  /// that. Fails with invalid_argument where there are no logits.
  Result<TokenId> sample() noexcept;
  /// Sampling from now on: anew from its seed, with no tokens seen. Fails with invalid_argument naming an
  /// option that is out of range; the sampling stays as it was.
  Result<void> set_sampling(const SamplingOptions& options) noexcept;

  /// Appends the prompt and then what the model says. Afterwards the sequence holds both, without a token
  /// that ended the text (and without the last one where the context is full), and the next prompt goes on.
  /// @param prompt at least one token; none where the text is to go on from logits(), as after an earlier
  ///               generate(), evaluate() or restore()
  /// With beam search, more sessions are made for its beams and forgotten at the end; they compute on this one's
  /// threads.
  /// Fails as evaluate() does, and with invalid_argument for options out of range; ends with
  /// StopReason::stopped, which is no failure, where a callback or cancel() wants it.
  Result<Generation> generate(std::span<const TokenId> prompt, const GenerationOptions& options = {},
                              const OnToken& on_token = {}) noexcept;
  /// The same for a text: at the sequence's start the model's begin-of-text token goes before it; an empty one
  /// goes on from logits() elsewhere.
  Result<Generation> generate(std::string_view prompt, const GenerationOptions& options = {},
                              const OnToken& on_token = {}) noexcept;
  /// The same for a streamer: it gets the prompt, each token, and end().
  Result<Generation> generate(std::span<const TokenId> prompt, const GenerationOptions& options,
                              Streamer& streamer) noexcept;

  /// Ends the evaluate() or generate() that is under way, at the next chunk or token; without one it does
  /// nothing. May be called by any thread, and by callbacks.
  void cancel() noexcept;

  /// Tokens in the sequence, those that were discarded among them.
  std::int64_t position() const noexcept;
  /// Those that are in the KV cache: all, or the last and the kept ones of an endless session.
  std::int64_t cached_tokens() const noexcept;

  /// Empties the sequence; sampling goes on as it was.
  Result<void> reset() noexcept;
  /// Goes back to where the sequence had `position` tokens, 0 to position(). There are no logits then. Fails
  /// with invalid_argument, also where what was there is discarded; the sequence is as before.
  Result<void> truncate(std::int64_t position) noexcept;
  /// Goes back to what the sequence begins with in common with `prompt`, but at most all of it but its last
  /// token.
  /// @return how many tokens of the prompt are in the sequence and need not be evaluated: 0 where some were
  /// discarded
  Result<std::int64_t> keep_prefix(std::span<const TokenId> prompt) noexcept;

  /// A second session that goes on from here, sampling too, with threads of its own. The caches share memory
  /// until they differ. Fails as create() does.
  Result<Session> fork() noexcept;
  /// Writes the session to a file, which takes its name once it is whole: the sequence with its cache and
  /// logits, and sampling with its options, generator and recent tokens. Fails with invalid_argument after cancelled evaluations and truncate(), when logits are missing, or
  /// failed naming the file.
  Result<void> save(std::string_view path) noexcept;
  /// Replaces sequence and sampling by saved ones of the same model, context, KV type and kept tokens, perhaps
  /// by another machine: the next tokens are those that the saved session would have drawn. Fails with
  /// load_failed naming the file and what is wrong with it, also that another version wrote it, or
  /// out_of_memory; the session is then as before.
  Result<void> restore(std::string_view path) noexcept;

 private:
  explicit Session(std::unique_ptr<api::SessionState> state) noexcept;
  std::unique_ptr<api::SessionState> state_;
};

}  // namespace burin
