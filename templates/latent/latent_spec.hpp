// What latent attention (DeepSeek-AI, DeepSeek-V2, 2024) does between projections and attention: a position's latent
// row is normalised, the key that all heads share is rotated, both go to the cache; the rotated parts of queries
// become parts of query rows.
//
// With the matrices that make keys and values of the latent row absorbed into queries and outputs, all query heads
// attend to one KV head, whose values are the first part of its keys:
//
//   query of head h:  [rotated: R][key matrix of h, transposed, times the plain part of q: L]
//   key:              [rotated: R][normalised latent row: L]
//   value:                        [normalised latent row: L]
//
// R and L are multiples of 32: sizes are padded with zeros. A block of 32 latent places is a pair block of the key
// as it is (templates/head_layout.hpp): the order of a key's elements is free as long as queries have the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "templates/head_layout.hpp"
#include "templates/heads/kv_arguments.hpp"
#include "templates/prepare/row_norm.hpp"

namespace burin::kernels {

struct LatentSpec {
  static constexpr std::string_view kKind = "latent";
  HeadLayout heads;  // one KV head; value_size is L, head_size R + L
  RowNorm norm = RowNorm::rms;
  std::int64_t latent = 32;        // values of the latent row, at most L
  std::int64_t input_stride = 32;  // floats
  std::int64_t output_stride = 32;

  bool operator==(const LatentSpec&) const = default;

  // Blocks of 32 columns.
  int rotated_blocks() const { return (heads.head_size - heads.value_size) / 32; }
  int latent_blocks() const { return heads.value_size / 32; }
  int query_blocks() const { return heads.query_heads * rotated_blocks(); }
  // Numbers of blocks as a call counts them:
  //   [rotated parts of query heads][rotated key][latent row, as key][latent row, as value]
  int first_latent_block() const { return query_blocks() + rotated_blocks(); }
  int first_value_block() const { return first_latent_block() + latent_blocks(); }
  int blocks() const { return first_value_block() + latent_blocks(); }
};

template <typename Spec, typename Visitor>
requires std::is_same_v<std::remove_const_t<Spec>, LatentSpec>
void visit_fields(Spec& spec, Visitor&& visit) {
  auto& [heads, norm, latent, input_stride, output_stride] = spec;
  visit("heads", heads);
  visit("norm", norm);
  visit("k", latent);
  visit("is", input_stride);
  visit("os", output_stride);
}

// Blocks [first_block, last_block) of all rows. A thread that has a block has it of all rows: positions share
// dwords of the bf16 cache. With an int8 cache, one thread has all blocks of the key, and of the values.
struct LatentArguments {
  // Row 0, at block 0 of the call's counting; only what the blocks need is read. Rotated parts are in pair_column
  // order of a head of their own.
  const float* input = nullptr;
  float* output = nullptr;             // query rows, head by head
  const float* norm_weight = nullptr;  // zero past the latent row, up to L
  const float* norm_bias = nullptr;    // the same; layer norm only
  std::int64_t rows = 0;
  std::int64_t first_block = 0;
  std::int64_t last_block = 0;
  float epsilon = 0;
  KvArguments kv;
};

// Throws burin::Error naming what no kernel can do.
jit::CodeImage emit_latent(const LatentSpec& spec, const jit::Target& target);

}  // namespace burin::kernels
