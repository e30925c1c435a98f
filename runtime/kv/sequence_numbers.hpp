// Arrays of numbers in the file of a sequence.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/files/hashed_file.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

template <typename Numbers>
void write_numbers(HashedFileWriter& file, const Numbers& numbers) {
  file.write(std::as_bytes(std::span(numbers)));
}
template <typename Numbers>
void read_numbers(HashedFileReader& file, Numbers& numbers) {
  file.read(std::as_writable_bytes(std::span(numbers)));
}

// Throws burin::Error naming the file where it is too short, or a token outside the vocabulary; `what` they are.
std::vector<TokenId> read_tokens(HashedFileReader& file, const char* what, std::int64_t count,
                                 std::int64_t vocabulary);

}  // namespace burin::runtime
