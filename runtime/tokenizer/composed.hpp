// Unicode's composed form (NFC) of texts.
#pragma once

#include <string>
#include <string_view>

namespace burin::runtime {

// Bytes that are not UTF-8 stay as they are, with what stands next to them.
std::string composed(std::string_view text);

}  // namespace burin::runtime
