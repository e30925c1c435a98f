#include "runtime/chat/conversation.hpp"

#include <algorithm>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

// Takes the session back to where `position` tokens had been fed, or to the beginning where tokens were discarded
// since that are needed again; returns where it is.
std::size_t go_back(Session& session, std::size_t position) {
  try {
    session.truncate(static_cast<std::int64_t>(position));
    return position;
  } catch (const Error&) {
    session.reset();
    return 0;
  }
}

}  // namespace

Conversation::Conversation(std::shared_ptr<const Model> model, std::unique_ptr<Session> session,
                           ChatTemplate chat_template, std::string system)
    : model_(std::move(model)), session_(std::move(session)), template_(std::move(chat_template)) {
  if (!system.empty()) messages_.push_back({"system", std::move(system)});
}

std::vector<TokenId> Conversation::tokens() const {
  std::vector<TokenId> ids = encode_chat(model_->tokenizer(), template_.render(messages_));
  if (ids.empty())
    fail("chat template: writes nothing for this conversation: give another with --chat-template");
  return ids;
}

// The last token is evaluated in any case: its logits are what the answer begins with.
std::size_t Conversation::keep_common(const std::vector<TokenId>& wanted) {
  const std::size_t most = std::min(fed_.size(), wanted.size() - 1);
  const auto differs =
      std::mismatch(fed_.begin(), fed_.begin() + static_cast<std::ptrdiff_t>(most), wanted.begin());
  const std::size_t kept = go_back(*session_, static_cast<std::size_t>(differs.first - fed_.begin()));
  fed_.resize(kept);
  return kept;
}

Answer Conversation::answer(const GenerationOptions& options,
                            const std::function<void(std::string_view)>& on_text,
                            const std::atomic<bool>* cancel) {
  const std::vector<TokenId> wanted = tokens();
  Answer answer;
  answer.prompt_tokens = wanted.size();
  answer.reused_tokens = keep_common(wanted);
  const std::span<const TokenId> added = std::span(wanted).subspan(answer.reused_tokens);
  answer.generation = generate(*session_, *model_, added, options, on_text, cancel);
  fed_.insert(fed_.end(), added.begin(), added.end());
  fed_.insert(fed_.end(), answer.generation.tokens.begin(), answer.generation.tokens.end());
  // The last tokens were not fed, where the answer ended with them or was cancelled.
  fed_.resize(static_cast<std::size_t>(session_->position()));
  return answer;
}

Answer Conversation::say(std::string text, const GenerationOptions& options,
                         const std::function<void(std::string_view)>& on_text,
                         const std::atomic<bool>* cancel) {
  messages_.push_back({"user", std::move(text)});
  try {
    Answer result = answer(options, on_text, cancel);
    messages_.push_back({"assistant", result.generation.text});
    return result;
  } catch (const Error&) {
    messages_.pop_back();
    session_->reset();  // it may have got a part
    fed_.clear();
    throw;
  }
}

void Conversation::reset() {
  const bool has_system = !messages_.empty() && messages_.front().role == "system";
  messages_.resize(has_system ? 1 : 0);
  session_->reset();
  fed_.clear();
}

}  // namespace burin::runtime
