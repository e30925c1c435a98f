// The sampling in the file of a sequence: numbers and short texts in the header, the rest behind the tokens:
//
//   recent tokens (i32), tokens with a bias (i32), their biases (f32), grammar (text), place in it (u32)
#pragma once

#include "runtime/files/hashed_file.hpp"
#include "runtime/kv/sequence_fields.hpp"
#include "runtime/sampling/sampler.hpp"

namespace burin::runtime {

void set_sampling(SequenceFields& header, const SamplerState& sampling);
void write_sampling(HashedFileWriter& file, const SamplerState& sampling);
// Throws burin::Error naming the file, and the field that is wrong.
SamplerState read_sampling(HashedFileReader& file, const SequenceFields& header, std::int64_t vocabulary);

}  // namespace burin::runtime
