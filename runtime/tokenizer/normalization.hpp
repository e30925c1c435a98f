// What is done to a text before it is cut and encoded (Hugging Face's "normalizers").
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace burin::runtime {

// Steps in the order in which they are done. Texts that are no UTF-8 stay as they are where a step needs characters.
using Normalizer = std::vector<std::function<std::string(std::string_view)>>;

std::string normalized(const Normalizer& normalizer, std::string_view text);

// Unicode Standard Annex 15. composed() in composed.hpp is faster for NFC.
enum class UnicodeForm : std::uint8_t { nfc, nfd, nfkc, nfkd };
std::string in_form(std::string_view text, UnicodeForm form);
// Each character by itself, whatever stands around it.
std::string lowercase(std::string_view text);
std::string replaced(std::string_view text, std::string_view from, std::string_view to);
// Without white space at its ends.
std::string_view stripped(std::string_view text, bool left, bool right);

}  // namespace burin::runtime
