/// @file
/// What every call that can fail returns: a value or a Failure, in the shape of C++23's std::expected.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "burin/export.h"

namespace burin {

/// Why a call failed; the numbers are those of burin_status in burin.h and stay.
enum class ErrorCode : std::int32_t {
  invalid_argument = 1,  ///< the call itself: an option out of range or not supported, an unknown token id, a
                         ///< moved-from object
  load_failed = 2,       ///< a file that is missing, damaged or not supported, or kernels that cannot be had
  context_full = 3,      ///< the tokens do not fit into the session's context
  cancelled = 4,         ///< a callback of the host, or Session::cancel(), ended the call
  busy = 5,              ///< another thread is using the session
  out_of_memory = 6,     ///< the system refused memory
  callback_threw = 7,    ///< a callback or executor of the host threw an exception
  failed = 8,            ///< anything else; the message says what
};

/// "invalid_argument" and so on; a literal, valid for ever.
BURIN_API std::string_view to_text(ErrorCode code) noexcept;

/// What went wrong. The message is one line, "SUBJECT: what is wrong: what to do", in UTF-8.
struct Failure {
  ErrorCode code = ErrorCode::failed;
  std::string message;
};

/// A T, or the Failure that kept it from being made. Thread-safe as T is.
template <typename T>
class [[nodiscard]] Result {
 public:
  /// Success; takes the value over.
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  /// Failure; takes it over.
  Result(Failure failure) noexcept : content_(std::in_place_index<1>, std::move(failure)) {}

  /// Whether it is a success.
  bool has_value() const noexcept { return content_.index() == 0; }
  /// The same.
  explicit operator bool() const noexcept { return has_value(); }

  /// The value; to be asked for only where has_value().
  T& operator*() & noexcept { return *checked(std::get_if<0>(&content_)); }
  /// The same, not to be changed.
  const T& operator*() const& noexcept { return *checked(std::get_if<0>(&content_)); }
  /// The same, to be moved from.
  T&& operator*() && noexcept { return std::move(*checked(std::get_if<0>(&content_))); }
  /// A member of the value, to be asked for only where has_value().
  T* operator->() noexcept { return checked(std::get_if<0>(&content_)); }
  /// The same, not to be changed.
  const T* operator->() const noexcept { return checked(std::get_if<0>(&content_)); }
  /// The value, or `other` where there is none.
  T value_or(T other) const& { return has_value() ? **this : std::move(other); }

  /// The failure; to be asked for only where !has_value().
  const Failure& error() const noexcept { return *checked(std::get_if<1>(&content_)); }

 private:
  template <typename Pointer>
  static Pointer checked(Pointer pointer) noexcept {
    assert(pointer != nullptr &&
           "burin::Result: value and failure exclude each other: ask has_value() first");
    return pointer;
  }

  std::variant<T, Failure> content_;
};

/// Done, or the Failure that kept it from being done.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() noexcept = default;
  /// Failure; takes it over.
  Result(Failure failure) noexcept : failure_(std::move(failure)) {}

  /// Whether it is a success.
  bool has_value() const noexcept { return !failure_; }
  /// The same.
  explicit operator bool() const noexcept { return has_value(); }

  /// The failure; to be asked for only where !has_value().
  const Failure& error() const noexcept {
    assert(failure_ && "burin::Result: there is no failure: ask has_value() first");
    return *failure_;
  }

 private:
  std::optional<Failure> failure_;
};

}  // namespace burin
