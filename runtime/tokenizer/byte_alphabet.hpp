// GPT-2's spelling of bytes as printable characters.
#pragma once

#include <string>
#include <string_view>

namespace burin::runtime {

std::string bytes_to_text(std::string_view bytes);
// Characters outside that alphabet stand for themselves.
std::string text_to_bytes(std::string_view text);

}  // namespace burin::runtime
