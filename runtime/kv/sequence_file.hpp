// Sequences in files: what one process evaluated, another one goes on from.
//
//   "BURINSEQ", length of the header (u32), header (sequence_fields.hpp), tokens (i32), sampling (saved_sampling.hpp),
//   logits (f32), original keys of the sinks (f32), blocks of each ring that hold tokens, SHA-256 of all that;
//   little endian
#pragma once

#include <optional>
#include <span>
#include <string>

#include "graph/plan.hpp"
#include "runtime/kv/kv_cache.hpp"
#include "runtime/kv/sink_keys.hpp"
#include "runtime/kv/token_window.hpp"
#include "runtime/sampling/sampler.hpp"

namespace burin::runtime {

// A session's parts that a file holds.
struct SequenceParts {
  const graph::Plan& plan;
  const std::string& model;  // digest of what makes two models the same
  KvCache& kv;
  TokenWindow& window;
  SinkKeys& sinks;
  std::int64_t& forgotten;    // tokens fed before the window's first position
  std::int64_t& rotated_for;  // length of sequence that keys are rotated for
  std::span<float> logits;
  std::optional<SamplerState>& sampling;  // nothing: the file has none
};

// Throws burin::Error naming the file.
void write_sequence(const std::string& path, const SequenceParts& parts);
// Overwrites the parts, which should be those of no session yet: after an error they are worth nothing. Throws
// burin::Error naming the file and the field that is wrong or not this session's.
void read_sequence(const std::string& path, const SequenceParts& parts);

}  // namespace burin::runtime
