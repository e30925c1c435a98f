// SHA-256, by libcrypto.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace burin::jit {

using Digest = std::array<std::uint8_t, 32>;

// Thread-safe. Throws burin::Error where libcrypto refuses.
Digest sha256(std::span<const std::uint8_t> bytes);
Digest sha256(std::string_view text);

// Of bytes that come piece by piece. To be used by one thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  void update(std::span<const std::byte> bytes);
  Digest finish();  // once

 private:
  void* context_;
};

// 64 lower-case digits.
std::string to_hex(const Digest& digest);

}  // namespace burin::jit
