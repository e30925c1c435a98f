// Methods by type; find_method() puts them together.
#pragma once

#include <span>
#include <string_view>

#include "runtime/chat/jinja/callable.hpp"

namespace burin::runtime::jinja {

struct MethodRow {
  std::string_view name;
  Filter run;  // the receiver first
};

std::span<const MethodRow> text_methods();
std::span<const MethodRow> dictionary_methods();
std::span<const MethodRow> sequence_methods();
std::span<const MethodRow> loop_methods();

}  // namespace burin::runtime::jinja
