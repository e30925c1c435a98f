// The one exception type of the library: a sentence a user can act on.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace burin {

// what() reads "SUBJECT: what is wrong: what to do" and stands on one line; SUBJECT is a file, a kernel
// name or an option. Thrown inside the library only; no hot path throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The system refused memory. What operator new refuses is a std::bad_alloc instead.
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

// Throws Error with a formatted message. What throws has the arguments' types erased: it is there once, and not with
// each of hundreds of messages.
[[noreturn]] void fail_with(fmt::string_view format, fmt::format_args arguments);

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  fail_with(format, fmt::make_format_args(args...));
}

// Bytes from a file or a user, made fit for a one-line message: control and non-ASCII bytes as \xNN, what is
// longer than `longest` cut.
std::string printable(std::string_view bytes, std::size_t longest = 60);

}  // namespace burin
