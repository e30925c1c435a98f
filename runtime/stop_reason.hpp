// Why a text ended.
#pragma once

#include <cstdint>
#include <string_view>

namespace burin::runtime {

enum class StopReason : std::uint8_t { end_of_text, length, context, stop_text, interrupted };
// "end_of_text" and so on.
std::string_view to_text(StopReason reason);

}  // namespace burin::runtime
