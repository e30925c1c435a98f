// Canonical text of kernel specs from one field list: "gemm-k.4096-n.11008-w.int4s.g32.f16-...".
//
// A spec is a plain struct with a friend function
//
//   template <typename Visitor> friend void visit_fields(auto& spec, Visitor&& visit) {
//     auto& [inputs, columns] = spec;      // does not compile when a field is added and not listed here
//     visit("k", inputs);
//     visit("n", columns);
//   }
//
// Values are integers, bools, or types with overloads of write_field / read_field.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "jit/error.hpp"

namespace burin::jit {

template <typename Value>
requires std::integral<Value>
void write_field(std::string& text, Value value) { text += std::to_string(static_cast<long long>(value)); }

template <typename Value>
requires std::integral<Value>
void read_field(std::string_view text, Value& value) {
  long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) fail("'{}' is not a number", text);
  if constexpr (std::is_same_v<Value, bool>) {
    if (number != 0 && number != 1) fail("'{}' is neither 0 nor 1", text);
  } else if (!std::in_range<Value>(number)) {
    fail("'{}' is out of range", text);
  }
  value = static_cast<Value>(number);
}

// For enums: a table of names, in the order of the enumerators from 0.
template <typename Enum, std::size_t Count>
void write_name(std::string& text, Enum value, const std::string_view (&names)[Count]) {
  text += names[static_cast<std::size_t>(value)];
}

template <typename Enum, std::size_t Count>
void read_name(std::string_view text, Enum& value, const std::string_view (&names)[Count]) {
  for (std::size_t i = 0; i < Count; ++i) {
    if (names[i] == text) {
      value = static_cast<Enum>(i);
      return;
    }
  }
  fail("'{}' is not known: use {}", text, fmt::join(names, ", "));
}

template <typename Spec>
std::string spec_text(const Spec& spec) {
  std::string text(Spec::kKind);
  visit_fields(spec, [&](std::string_view key, const auto& value) {
    text += '-';
    text += key;
    text += '.';
    write_field(text, value);
  });
  return text;
}

// Inverse of spec_text. Throws burin::Error naming the text and the field that is wrong.
template <typename Spec>
Spec parse_spec(std::string_view text) {
  Spec spec;
  std::string_view rest = text;
  if (!rest.starts_with(Spec::kKind)) fail("kernel '{}': not of kind {}", text, Spec::kKind);
  rest.remove_prefix(Spec::kKind.size());
  visit_fields(spec, [&](std::string_view key, auto& value) {
    const std::string prefix = fmt::format("-{}.", key);
    if (!rest.starts_with(prefix)) fail("kernel '{}': field '{}' expected at '{}'", text, key, rest);
    rest.remove_prefix(prefix.size());
    const std::string_view written = rest.substr(0, rest.find('-'));
    try {
      read_field(written, value);
    } catch (const Error& error) {
      fail("kernel '{}': field '{}': {}", text, key, error.what());
    }
    rest.remove_prefix(written.size());
  });
  if (!rest.empty()) fail("kernel '{}': '{}' is left over", text, rest);
  return spec;
}

}  // namespace burin::jit
