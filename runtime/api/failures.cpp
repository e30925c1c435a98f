#include "runtime/api/failures.hpp"

#include <array>
#include <new>
#include <string_view>

namespace burin {

std::string_view to_text(ErrorCode code) noexcept {
  constexpr std::array<std::string_view, 9> kNames = {
      "ok",   "invalid_argument", "load_failed",    "context_full", "cancelled",
      "busy", "out_of_memory",    "callback_threw", "failed"};
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : "unknown";
}

namespace api {
namespace {

// Short enough to need no memory of its own.
constexpr const char* kOutOfMemory = "out of memory";

// Messages of options begin with "--", as the command spells them.
Failure make_failure(ErrorCode code, std::string_view message) noexcept {
  if (message.starts_with("--")) message.remove_prefix(2);
  try {
    return {code, std::string(message)};
  } catch (...) {
    return {code, kOutOfMemory};
  }
}

}  // namespace

Failure failure_in_flight(ErrorCode code) noexcept {
  try {
    throw;
  } catch (const CodedError& error) {
    return make_failure(error.code(), error.what());
  } catch (const OutOfMemory& error) {
    return make_failure(ErrorCode::out_of_memory, error.what());
  } catch (const Error& error) {
    return make_failure(code, error.what());
  } catch (const std::bad_alloc&) {
    return make_failure(ErrorCode::out_of_memory, kOutOfMemory);
  } catch (const std::exception& error) {
    return make_failure(ErrorCode::failed, error.what());
  } catch (...) {
    return make_failure(ErrorCode::failed, "an unknown exception");
  }
}

void rethrow_as_hosts(const char* what) {
  try {
    throw;
  } catch (const std::exception& error) {
    refuse(ErrorCode::callback_threw, "{}: threw an exception: {}", what, printable(error.what(), 200));
  } catch (...) {
    refuse(ErrorCode::callback_threw, "{}: threw something that is no std::exception", what);
  }
}

}  // namespace api
}  // namespace burin
