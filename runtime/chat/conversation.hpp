// A conversation with a model: messages, and the session that holds their tokens.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/chat/chat_template.hpp"
#include "runtime/generation.hpp"
#include "runtime/session.hpp"

namespace burin::runtime {

struct Answer {
  GenerationResult generation;
  std::size_t prompt_tokens = 0;  // of the whole conversation, as the template writes it
  std::size_t reused_tokens = 0;  // of them, already in the session: not evaluated again
};

// Not thread-safe.
class Conversation {
 public:
  // `system`: the first message, where it is not empty.
  Conversation(std::shared_ptr<const Model> model, std::unique_ptr<Session> session,
               ChatTemplate chat_template, std::string system);

  // Adds the user's message and the model's answer, as far as it came where `cancel` became true. Evaluates what is
  // new only: tokens that the conversation has in common with the session stay in it. Throws burin::Error where the
  // template refuses the conversation or the context is full; the conversation is then as before.
  Answer say(std::string text, const GenerationOptions& options,
             const std::function<void(std::string_view)>& on_text, const std::atomic<bool>* cancel = nullptr);
  // Forgets all but the system message.
  void reset();
  const std::vector<ChatMessage>& messages() const { return messages_; }

 private:
  std::vector<TokenId> tokens() const;
  std::size_t keep_common(const std::vector<TokenId>& wanted);
  Answer answer(const GenerationOptions& options, const std::function<void(std::string_view)>& on_text,
                const std::atomic<bool>* cancel);

  std::shared_ptr<const Model> model_;
  std::unique_ptr<Session> session_;
  ChatTemplate template_;
  std::vector<ChatMessage> messages_;
  std::vector<TokenId> fed_;  // to the session, in order; Session::position() of them
};

}  // namespace burin::runtime
