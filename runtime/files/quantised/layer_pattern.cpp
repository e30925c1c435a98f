#define PCRE2_CODE_UNIT_WIDTH 8
#include "runtime/files/quantised/layer_pattern.hpp"

#include <pcre2.h>

#include <memory>

#include "jit/error.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::uint32_t kMostSteps = 100'000;
constexpr std::size_t kLongestPattern = 4096;

struct Deleter {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

PCRE2_SPTR text(std::string_view characters) { return reinterpret_cast<PCRE2_SPTR>(characters.data()); }

}  // namespace

bool matches_beginning(const std::string& pattern, std::string_view layer, const std::string& where) {
  if (pattern.size() > kLongestPattern)
    fail("{}: a pattern of {} characters is too long: at most {} are supported", where, pattern.size(),
         kLongestPattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::unique_ptr<pcre2_code, Deleter> code(
      pcre2_compile(text(pattern), pattern.size(), PCRE2_ANCHORED, &error, &offset, nullptr));
  if (code == nullptr) {
    PCRE2_UCHAR message[256] = {};
    pcre2_get_error_message(error, message, sizeof(message));
    fail("{}: pattern '{}' is wrong at {}: {}", where, printable(pattern), offset,
         reinterpret_cast<char*>(message));
  }
  const std::unique_ptr<pcre2_match_data, Deleter> data(pcre2_match_data_create(1, nullptr));
  const std::unique_ptr<pcre2_match_context, Deleter> context(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), kMostSteps);
  const int found = pcre2_match(code.get(), text(layer), layer.size(), 0, 0, data.get(), context.get());
  if (found < 0 && found != PCRE2_ERROR_NOMATCH)
    fail("{}: pattern '{}' takes too many steps on {}", where, printable(pattern), printable(layer));
  return found >= 0;
}

}  // namespace burin::runtime::quantised
