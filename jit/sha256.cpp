#include "jit/sha256.hpp"

#include <fmt/ranges.h>
#include <openssl/evp.h>

#include "jit/error.hpp"

namespace burin::jit {

Digest sha256(std::span<const std::uint8_t> bytes) {
  Digest digest;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    fail("SHA-256: libcrypto cannot compute it: check the installation of OpenSSL");
  return digest;
}

Digest sha256(std::string_view text) {
  return sha256(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::string to_hex(const Digest& digest) { return fmt::format("{:02x}", fmt::join(digest, "")); }

}  // namespace burin::jit
