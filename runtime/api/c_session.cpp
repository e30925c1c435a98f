#include "runtime/api/c_options.hpp"
#include "runtime/api/c_support.hpp"

using namespace burin;
using namespace burin::api;

namespace {

Session& session_of(burin_session* session) { return not_null(session, "session").session; }

void write_result(const Generation& generated, burin_generation* result) {
  if (result == nullptr) return;
  write_part(*result, result->size,
             {sizeof(burin_generation), static_cast<std::int64_t>(generated.tokens.size()),
              static_cast<burin_stop_reason>(generated.reason), 0, generated.prefill_seconds,
              generated.decode_seconds});
}

template <typename Prompt>
burin_status generate(burin_session* session, const Prompt& prompt, const burin_generation_options* options,
                      burin_generation* result) {
  return c_call([&] {
    if (result != nullptr) check_size<burin_generation>(result->size, "result");
    const Generation generated =
        value_or_throw(session_of(session).generate(prompt(), options_of(options), on_token_of(options)));
    if (const auto on_beam = on_beam_of(options))
      for (const BeamText& beam : generated.beams) call_host("on_beam", [&] { on_beam(beam); });
    write_result(generated, result);
  });
}

}  // namespace

burin_status burin_session_create(const burin_model* model, const burin_session_options* options,
                                  burin_session** session) {
  return c_call([&] {
    const Model& shared = not_null(model, "model").model;
    not_null(session, "session");
    *session = new burin_session{value_or_throw(Session::create(shared, options_of(options)))};
  });
}

void burin_session_free(burin_session* session) { delete session; }

burin_status burin_session_evaluate(burin_session* session, const burin_token* tokens, size_t count) {
  return c_call([&] { value_or_throw(session_of(session).evaluate(array_of(tokens, count, "tokens"))); });
}

burin_status burin_sessions_evaluate_together(burin_session* const* sessions, const burin_token* tokens,
                                              size_t count) {
  return c_call([&] {
    std::vector<Session*> all;
    for (burin_session* const session : array_of(sessions, count, "sessions"))
      all.push_back(&session_of(session));
    value_or_throw(Session::evaluate_together(all, array_of(tokens, count, "tokens")));
  });
}

burin_status burin_session_logits(const burin_session* session, const float** logits, size_t* count) {
  return c_call([&] {
    const std::span<const float> row = not_null(session, "session").session.logits();
    not_null(logits, "logits");
    not_null(count, "count");
    if (row.empty())
      refuse(ErrorCode::invalid_argument, "session: there are no logits: evaluate a token first");
    *logits = row.data();
    *count = row.size();
  });
}

burin_status burin_session_sample(burin_session* session, burin_token* token) {
  return c_call([&] {
    Session& own = session_of(session);
    not_null(token, "token");
    *token = value_or_throw(own.sample());
  });
}

burin_status burin_session_set_sampling(burin_session* session, const burin_sampling_options* options) {
  return c_call([&] { value_or_throw(session_of(session).set_sampling(options_of(options))); });
}

burin_status burin_session_generate(burin_session* session, const burin_token* prompt, size_t count,
                                    const burin_generation_options* options, burin_generation* result) {
  return generate(
      session, [&] { return array_of(prompt, count, "prompt"); }, options, result);
}

burin_status burin_session_generate_text(burin_session* session, const char* prompt, size_t length,
                                         const burin_generation_options* options, burin_generation* result) {
  const auto text = [&] {
    const std::span<const char> bytes = array_of(prompt, length, "prompt");
    return std::string_view(bytes.data(), bytes.size());
  };
  return generate(session, text, options, result);
}

void burin_session_cancel(burin_session* session) {
  if (session != nullptr) session->session.cancel();
}

int64_t burin_session_position(const burin_session* session) {
  return session == nullptr ? 0 : session->session.position();
}

burin_status burin_session_reset(burin_session* session) {
  return c_call([&] { value_or_throw(session_of(session).reset()); });
}

int64_t burin_session_cached_tokens(const burin_session* session) {
  return session == nullptr ? 0 : session->session.cached_tokens();
}

burin_status burin_session_truncate(burin_session* session, int64_t position) {
  return c_call([&] { value_or_throw(session_of(session).truncate(position)); });
}

burin_status burin_session_keep_prefix(burin_session* session, const burin_token* prompt, size_t count,
                                       int64_t* kept) {
  return c_call([&] {
    Session& own = session_of(session);
    not_null(kept, "kept");
    *kept = value_or_throw(own.keep_prefix(array_of(prompt, count, "prompt")));
  });
}

burin_status burin_session_fork(burin_session* session, burin_session** fork) {
  return c_call([&] {
    Session& own = session_of(session);
    not_null(fork, "fork");
    *fork = new burin_session{value_or_throw(own.fork())};
  });
}

burin_status burin_session_save(burin_session* session, const char* path) {
  return c_call([&] { value_or_throw(session_of(session).save(&not_null(path, "path"))); });
}

burin_status burin_session_restore(burin_session* session, const char* path) {
  return c_call([&] { value_or_throw(session_of(session).restore(&not_null(path, "path"))); });
}
