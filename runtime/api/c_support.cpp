#include "runtime/api/c_support.hpp"

#include <array>

namespace burin::api {
namespace {

// Of fixed size, so that a message can be kept where there is no memory.
thread_local std::array<char, 2048> last_error = {};

// At most `room` bytes, cut between characters.
std::size_t cut(std::string_view text, std::size_t room) {
  if (text.size() <= room) return text.size();
  while (room > 0 && (static_cast<unsigned char>(text[room]) & 0xc0u) == 0x80u) --room;
  return room;
}

}  // namespace

burin_status status_of(const Result<void>& result) noexcept {
  if (result) return BURIN_OK;
  const std::string_view message = result.error().message;
  const std::size_t length = cut(message, last_error.size() - 1);
  std::copy_n(message.begin(), length, last_error.begin());
  last_error[length] = '\0';
  return static_cast<burin_status>(result.error().code);
}

}  // namespace burin::api

const char* burin_version(void) { return burin::version().data(); }

const char* burin_last_error(void) { return burin::api::last_error.data(); }

const char* burin_status_name(burin_status status) {
  if (status == BURIN_OK) return "ok";
  if (status == BURIN_BUFFER_TOO_SMALL) return "buffer_too_small";
  return burin::to_text(static_cast<burin::ErrorCode>(status)).data();
}
