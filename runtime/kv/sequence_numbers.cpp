#include "runtime/kv/sequence_numbers.hpp"

#include "jit/error.hpp"

namespace burin::runtime {

std::vector<TokenId> read_tokens(HashedFileReader& file, const char* what, std::int64_t count,
                                 std::int64_t vocabulary) {
  if (static_cast<std::uint64_t>(count) > file.left() / sizeof(TokenId))
    fail("{}: has {} {}, more than the file is long: it is damaged", file.path(), count, what);
  std::vector<TokenId> tokens(static_cast<std::size_t>(count));
  read_numbers(file, tokens);
  for (const TokenId token : tokens)
    if (token < 0 || token >= vocabulary)
      fail("{}: {} have {}: not in the vocabulary", file.path(), what, token);
  return tokens;
}

}  // namespace burin::runtime
