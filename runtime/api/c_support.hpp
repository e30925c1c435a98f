// What all functions of the C ABI share: handles, statuses, structs that know their size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "burin/burin.h"
#include "burin/burin.hpp"
#include "runtime/api/failures.hpp"

struct burin_model {
  burin::Model model;
};
struct burin_tokenizer {
  burin::Tokenizer tokenizer;
};
struct burin_session {
  burin::Session session;
};

namespace burin::api {

inline constexpr auto kBufferTooSmall = static_cast<ErrorCode>(BURIN_BUFFER_TOO_SMALL);

// Keeps the message for burin_last_error().
burin_status status_of(const Result<void>& result) noexcept;

// Runs `work`; what it throws becomes the status.
template <typename Work>
burin_status c_call(Work&& work) noexcept {
  return status_of(guarded<void>(ErrorCode::failed, work));
}

// The object of a handle, or of an argument that must be there. Throws where it is null.
template <typename T>
T& not_null(T* pointer, const char* what) {
  if (pointer == nullptr) refuse(ErrorCode::invalid_argument, "{}: is null: give one", what);
  return *pointer;
}

template <typename T>
std::span<const T> array_of(const T* first, std::size_t count, const char* what) {
  if (count > 0) not_null(first, what);
  return {first, count};
}

inline std::vector<std::string> texts(const char* const* first, std::size_t count, const char* what) {
  std::vector<std::string> list;
  for (const char* const text : array_of(first, count, what)) list.emplace_back(&not_null(text, what));
  return list;
}

// Size of a struct in the first version of the ABI that had it: what every host has at least. Never to be changed.
template <typename T>
inline constexpr std::size_t kFirstSize = 0;
template <>
inline constexpr std::size_t kFirstSize<burin_executor> = 40;
template <>
inline constexpr std::size_t kFirstSize<burin_quantization> = 48;
template <>
inline constexpr std::size_t kFirstSize<burin_load_options> = 128;
template <>
inline constexpr std::size_t kFirstSize<burin_sampling_options> = 40;
template <>
inline constexpr std::size_t kFirstSize<burin_session_options> = 40;
template <>
inline constexpr std::size_t kFirstSize<burin_generation_options> = 56;
template <>
inline constexpr std::size_t kFirstSize<burin_generation> = 40;
template <>
inline constexpr std::size_t kFirstSize<burin_beam_search_options> = 32;

// Of the library's own size, the rest 0.
template <typename T>
T sized() {
  T c = {};
  c.size = sizeof(T);
  return c;
}

template <typename T>
void check_size(std::size_t size, const char* what) {
  static_assert(kFirstSize<T> != 0 && sizeof(T) >= kFirstSize<T>);
  if (size < kFirstSize<T>)
    refuse(ErrorCode::invalid_argument,
           "{}: size is {}: must be at least {}: call the struct's _init function", what, size,
           kFirstSize<T>);
}

// The host's struct over the defaults, whichever of both knows more fields:
//
//     host's     | size | known to both | zeros ...        (newer host)
//     library's  | size | known to both | defaults ...     (newer library)
template <typename T>
T known_part(const T& given, const T& defaults, const char* what) {
  check_size<T>(given.size, what);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&given);
  for (std::size_t i = sizeof(T); i < given.size; ++i)
    if (bytes[i] != 0)
      refuse(ErrorCode::invalid_argument,
             "{}: byte {} is not zero: this library (version {}) knows {} bytes: use a newer library", what,
             i, version(), sizeof(T));
  T known = defaults;
  std::memcpy(&known, &given, std::min(given.size, sizeof(T)));
  known.size = sizeof(T);
  return known;
}

// Writes the part of `value` that the host's struct has room for; the rest of it is zeroed.
template <typename T>
void write_part(T& target, std::size_t size, const T& value) {
  std::memcpy(&target, &value, std::min(size, sizeof(T)));
  auto* bytes = reinterpret_cast<unsigned char*>(&target);
  if (size > sizeof(T)) std::memset(bytes + sizeof(T), 0, size - sizeof(T));
  target.size = size;
}

template <typename T>
burin_status initialise(T* options, std::size_t size, const T& defaults) noexcept {
  return c_call([&] {
    not_null(options, "options");
    check_size<T>(size, "options");
    write_part(*options, size, defaults);
  });
}

}  // namespace burin::api
