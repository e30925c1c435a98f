// Numbers as little-endian bytes in a std::string: what binary files are put together from.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace burin::tests {

template <typename Value>
void append_value(std::string& bytes, Value value) {
  static_assert(std::is_trivially_copyable_v<Value>);
  char raw[sizeof(Value)];
  std::memcpy(raw, &value, sizeof(value));
  bytes.append(raw, sizeof(raw));
}

template <typename Value>
std::string value_bytes(Value value) {
  std::string bytes;
  append_value(bytes, value);
  return bytes;
}

inline void pad_to(std::string& bytes, std::size_t multiple) {
  bytes.resize((bytes.size() + multiple - 1) / multiple * multiple, '\0');
}

inline std::span<const std::byte> as_bytes(std::string_view bytes) {
  return {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace burin::tests
