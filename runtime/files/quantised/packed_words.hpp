// Small unsigned numbers in streams of 32-bit words, lowest bits first.
//
// Where 32 is no multiple of their bits, numbers run on across words:   | 0 | 1 | ... | 9 | 10: low | 10: high | 11 ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace burin::runtime::quantised {

struct PackedWords {
  const std::byte* data = nullptr;
  int bits = 4;                  // of a number, at most 8
  std::int64_t stream_step = 0;  // bytes from the start of one stream to the start of the next
  std::int64_t word_step = 4;    // bytes from a word of a stream to its next one
  int per_word = 0;              // 0: dense, as above; else so many numbers a word, the highest bits unused
  std::uint32_t added = 0;       // to every word that is read
  unsigned added_to_number = 0;  // modulo 2^bits

  unsigned at(std::int64_t stream, std::int64_t place) const {
    const std::int64_t bit = place * bits;
    const std::int64_t word = per_word == 0 ? bit / 32 : place / per_word;
    const int shift = per_word == 0 ? static_cast<int>(bit % 32) : static_cast<int>(place % per_word) * bits;
    unsigned number = read_word(stream, word) >> shift;
    if (shift + bits > 32) number |= read_word(stream, word + 1) << (32 - shift);
    return finished(number);
  }

  // Numbers from `place` on.
  void read(std::int64_t stream, std::int64_t place, std::span<std::uint8_t> numbers) const {
    if (per_word != 0) {
      for (std::uint8_t& number : numbers) number = static_cast<std::uint8_t>(at(stream, place++));
      return;
    }
    if (numbers.empty()) return;
    std::int64_t word = place * bits / 32;
    const int skipped = static_cast<int>(place * bits % 32);
    std::uint64_t next = read_word(stream, word++) >> skipped;
    int left = 32 - skipped;  // bits of it
    for (std::uint8_t& number : numbers) {
      if (left < bits) {
        next |= std::uint64_t{read_word(stream, word++)} << left;
        left += 32;
      }
      number = static_cast<std::uint8_t>(finished(static_cast<unsigned>(next)));
      next >>= bits;
      left -= bits;
    }
  }

 private:
  unsigned finished(unsigned number) const { return (number + added_to_number) & ((1u << bits) - 1); }

  std::uint32_t read_word(std::int64_t stream, std::int64_t word) const {
    std::uint32_t value;
    std::memcpy(&value, data + stream * stream_step + word * word_step, sizeof(value));
    return value + added;
  }
};

}  // namespace burin::runtime::quantised
