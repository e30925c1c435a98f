// Which code packs weights.
#pragma once

#include <string_view>

namespace burin::runtime {

// 16 digits of the SHA-256 over all sources that decide how weights lie in memory, made by cmake/write_packing_id.cmake: any
// edit there, and packed weights that were kept are not used any more.
std::string_view packing_id();

}  // namespace burin::runtime
