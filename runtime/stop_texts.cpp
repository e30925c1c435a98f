#include "runtime/stop_texts.hpp"

#include <algorithm>
#include <utility>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

void check(const std::string& stop) {
  if (stop.empty()) fail("stop text: it is empty: give at least one character");
  if ((static_cast<unsigned char>(stop.front()) & 0xc0u) == 0x80u) {
    fail("stop text: byte 0x{:02x} at its start is the middle of a UTF-8 character: give whole characters",
         static_cast<unsigned>(static_cast<unsigned char>(stop.front())));
  }
}

}  // namespace

StopTexts::StopTexts(std::vector<std::string> stops) {
  for (std::string& stop : stops) {
    check(stop);
    Matcher matcher{std::move(stop), {0, 0}, 0};
    // The table for n+1 bytes is what matching the stop text against itself has reached after them.
    for (std::size_t i = 1; i < matcher.stop.size(); ++i) {
      advance(matcher, matcher.stop[i]);
      matcher.fallback.push_back(matcher.matched);
    }
    matcher.matched = 0;
    matchers_.push_back(std::move(matcher));
  }
}

void StopTexts::advance(Matcher& matcher, char byte) {
  std::size_t& matched = matcher.matched;
  while (matched > 0 && matcher.stop[matched] != byte) matched = matcher.fallback[matched];
  if (matcher.stop[matched] == byte) ++matched;
}

// Length of the longest stop text that ends with this byte; 0: none does.
std::size_t StopTexts::advance_all(char byte) {
  std::size_t complete = 0;
  for (Matcher& matcher : matchers_) {
    advance(matcher, byte);
    if (matcher.matched == matcher.stop.size()) complete = std::max(complete, matcher.matched);
  }
  return complete;
}

std::size_t StopTexts::longest_match() const {
  std::size_t longest = 0;
  for (const Matcher& matcher : matchers_) longest = std::max(longest, matcher.matched);
  return longest;
}

std::string_view StopTexts::add(std::string_view piece) {
  pending_.erase(0, released_);
  released_ = 0;
  if (found_) return {};
  for (const char byte : piece) {
    pending_.push_back(byte);
    const std::size_t stop_length = advance_all(byte);
    if (stop_length == 0) continue;
    found_ = true;
    pending_.resize(pending_.size() - stop_length);
    released_ = pending_.size();
    return pending_;
  }
  released_ = pending_.size() - longest_match();
  return std::string_view(pending_).substr(0, released_);
}

std::string_view StopTexts::flush() {
  pending_.erase(0, released_);
  released_ = pending_.size();
  for (Matcher& matcher : matchers_) matcher.matched = 0;
  return pending_;
}

void StopTexts::reset() {
  flush();
  found_ = false;
}

}  // namespace burin::runtime
