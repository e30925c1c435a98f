// SHA-256, by libcrypto.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace burin::jit {

using Digest = std::array<std::uint8_t, 32>;

// Thread-safe. Throws burin::Error where libcrypto refuses.
Digest sha256(std::span<const std::uint8_t> bytes);
Digest sha256(std::string_view text);
// 64 lower-case digits.
std::string to_hex(const Digest& digest);

}  // namespace burin::jit
