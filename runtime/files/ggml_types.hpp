// All number formats that GGUF files name, so that every tensor's size can be checked, supported or not.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "templates/formats/stored_type.hpp"

namespace burin::runtime {

struct GgmlType {
  std::uint32_t id;
  std::string_view name;
  std::int64_t elements;                      // per block
  std::int64_t bytes;                         // per block
  std::optional<kernels::StoredType> stored;  // where Burin can pack it
};

// nullptr for an id that does not exist (or no longer).
const GgmlType* find_ggml_type(std::uint32_t id);
const GgmlType* find_ggml_type(kernels::StoredType type);

}  // namespace burin::runtime
