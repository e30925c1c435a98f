#include "runtime/generation_room.hpp"

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

// How many tokens can be evaluated after the prompt.
std::int64_t room_behind(const Session& session, const Model& model, std::int64_t prompt) {
  if (session.options().endless) return std::int64_t{1} << 52;
  const std::int64_t room = model.context_length() - session.position();
  if (prompt > room)
    fail(
        "prompt: {} tokens do not fit: the context has room for {}: use a larger context (-c), or let tokens "
        "be discarded (--keep)",
        prompt, room);
  return room - prompt;
}

}  // namespace

GenerationRoom generation_room(const Session& session, const Model& model, std::size_t prompt,
                               std::int64_t most_tokens) {
  if (prompt == 0 && session.position() == 0) fail("prompt: there is no token to start from: give a text");
  // The last token need not be evaluated, so one more than there is room for can be generated.
  const std::int64_t room = room_behind(session, model, static_cast<std::int64_t>(prompt)) + 1;
  if (most_tokens >= 0 && most_tokens <= room) return {most_tokens, StopReason::length};
  return {room, StopReason::context};
}

}  // namespace burin::runtime
