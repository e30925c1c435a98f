// The border at which the library's exceptions become Results.
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "burin/result.hpp"
#include "jit/error.hpp"

namespace burin::api {

// An error that knows its code.
class CodedError : public Error {
 public:
  CodedError(ErrorCode code, const std::string& message) : Error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

template <typename... Args>
[[noreturn]] void refuse(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw CodedError(code, fmt::format(format, std::forward<Args>(args)...));
}

// The exception being handled as a Failure; `code` is an Error's that has none. Where not even the message can be
// allocated, it is a short one.
Failure failure_in_flight(ErrorCode code) noexcept;

// Runs `work`, which returns a T or throws.
template <typename T, typename Work>
Result<T> guarded(ErrorCode code, Work&& work) noexcept {
  try {
    if constexpr (std::is_void_v<T>) {
      work();
      return {};
    } else {
      return Result<T>(work());
    }
  } catch (...) {
    return failure_in_flight(code);
  }
}

// The value, or the failure thrown on.
template <typename T>
T value_or_throw(Result<T> result) {
  if (!result) throw CodedError(result.error().code, result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// Runs `work`; its Errors get the code.
template <typename Work>
auto with_code(ErrorCode code, Work&& work) {
  try {
    return work();
  } catch (const CodedError&) {
    throw;
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error& error) {
    throw CodedError(code, error.what());
  }
}

// Calls what the host gave: whatever that throws becomes ErrorCode::callback_threw.
[[noreturn]] void rethrow_as_hosts(const char* what);
template <typename Call>
auto call_host(const char* what, Call&& call) {
  try {
    return call();
  } catch (...) {
    rethrow_as_hosts(what);
  }
}

}  // namespace burin::api
