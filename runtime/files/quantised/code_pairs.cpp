#include "runtime/files/quantised/code_pairs.hpp"

#include <fmt/format.h>

namespace burin::runtime::quantised {

CodePairs require_code_pairs(const Checkpoint& checkpoint, QuantisedMatrix& matrix,
                             std::string_view scale_type, std::int64_t block) {
  CodePairs pairs;
  pairs.codes = checkpoint.require_matrix(matrix.codes, {"U8"});
  matrix.shape = {pairs.codes.shape()[0], pairs.codes.shape()[1] * 2};
  if (matrix.shape[1] % block != 0)
    checkpoint.refuse(matrix.codes,
                      fmt::format("has {} inputs: a multiple of {} is supported", matrix.shape[1], block));
  pairs.scales =
      checkpoint.require(matrix.others[0], {scale_type}, {matrix.shape[0], matrix.shape[1] / block});
  return pairs;
}

}  // namespace burin::runtime::quantised
