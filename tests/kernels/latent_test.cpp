// What lies between projections and cache of latent attention, against plain double arithmetic: every split of blocks
// over calls, sizes that fill blocks and that do not, both caches.
#include <gtest/gtest.h>

#include "jit/error.hpp"
#include "tests/kernels/latent_problem.hpp"
#include "tests/support/host_targets.hpp"

namespace burin::kernels {
namespace {

using Problem = LatentProblem;

LatentSpec spec_of(int query_heads, int rotated, std::int64_t latent, KvStorage kv) {
  LatentSpec spec;
  const int places = static_cast<int>((latent + 31) / 32 * 32);
  spec.heads = {query_heads, 1, rotated + places, kv, places};
  spec.latent = latent;
  spec.input_stride = spec.first_value_block() * 32 + 3;
  spec.output_stride = spec.heads.query_blocks() * 32 + 7;
  return spec;
}

TEST(Latent, MatchesReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const KvStorage kv : {KvStorage::f32, KvStorage::f16, KvStorage::bf16, KvStorage::int8})
      for (const int query_heads : {1, 5})
        for (const int rotated : {32, 64})
          for (const std::int64_t latent : {1, 20, 32, 50, 512})
            for (const RowNorm norm : {RowNorm::rms, RowNorm::layer})
              for (const std::int64_t rows : {1, 5}) {
                LatentSpec spec = spec_of(query_heads, rotated, latent, kv);
                spec.norm = norm;
                Problem(spec, rows, 62).check(target, 3);
              }
}

TEST(Latent, CallsOfAnyBlocksMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const KvStorage kv : {KvStorage::f32, KvStorage::f16, KvStorage::bf16, KvStorage::int8}) {
      const LatentSpec spec = spec_of(3, 32, 96, kv);
      for (int calls = 1; calls <= spec.blocks(); ++calls) Problem(spec, 2, 63).check(target, calls);
    }
}

TEST(Latent, RefusesWhatItCannotDo) {
  const LatentSpec good = spec_of(3, 32, 64, KvStorage::f32);
  EXPECT_NO_THROW(emit_latent(good, jit::host_target()));
  LatentSpec spec = good;
  spec.heads.kv_heads = 3;
  EXPECT_THROW(emit_latent(spec, jit::host_target()), Error);
  spec = good;
  spec.heads.value_size = 96;  // nothing left to rotate
  EXPECT_THROW(emit_latent(spec, jit::host_target()), Error);
  spec = good;
  spec.norm = RowNorm::none;
  EXPECT_THROW(emit_latent(spec, jit::host_target()), Error);
  spec = good;
  spec.latent = 65;
  EXPECT_THROW(emit_latent(spec, jit::host_target()), Error);
}

}  // namespace
}  // namespace burin::kernels
