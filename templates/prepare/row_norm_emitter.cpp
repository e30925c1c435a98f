#include "templates/prepare/row_norm_emitter.hpp"

#include <algorithm>
#include <vector>

namespace burin::kernels {

using jit::Vector;
using Xbyak::Xmm;

void RowNormEmitter::statistics(const Vector (&scratch)[5]) {
  if (norm_ == RowNorm::none) return;
  if (norm_ == RowNorm::layer) mean_of_row(scratch);
  inverse_deviation(scratch);
}

void RowNormEmitter::load(Vector to, int displacement) {
  a.vmovups(to, a.ptr[r_.input + r_.offset + jit::offset(displacement)]);
  apply(to, displacement);
}

void RowNormEmitter::apply(Vector value, int displacement) {
  if (norm_ == RowNorm::none) return;
  if (norm_ == RowNorm::layer) a.vsubps(value, value, mean_);
  a.vmulps(value, value, factor_);
  a.vmulps(value, value, a.ptr[r_.weight + r_.offset + jit::offset(displacement)]);
  if (norm_ == RowNorm::layer) a.vaddps(value, value, a.ptr[r_.bias + r_.offset + jit::offset(displacement)]);
}

// scratch[0] = sum of what add(accumulator, value, real_lanes) puts into accumulators, in the lowest lanes at
// least. The row's last values may fill `real_lanes` lanes only; the others are zeros.
template <typename Add>
void RowNormEmitter::sum_over_row(const Vector (&scratch)[5], Add add) {
  const std::int64_t whole = inputs_ / a.lanes();
  const int rest = static_cast<int>(inputs_ % a.lanes());
  const Vector value = scratch[kAccumulators];
  const auto take = [&](int i, int lanes) {
    a.vmovups(value, a.ptr[r_.input + r_.offset + jit::offset(i * a.vector_bytes())]);
    add(scratch[i % kAccumulators], value, lanes);
  };
  for (int i = 0; i < kAccumulators; ++i) a.zero(scratch[i]);
  a.xor_(r_.offset, r_.offset);
  if (whole >= kAccumulators) {
    Xbyak::Label loop;
    a.L(loop);
    for (int i = 0; i < kAccumulators; ++i) take(i, a.lanes());
    a.add(r_.offset, static_cast<std::uint32_t>(kAccumulators * a.vector_bytes()));
    a.cmp(r_.offset, static_cast<std::uint32_t>(whole / kAccumulators * kAccumulators * a.vector_bytes()));
    a.jl(loop, Xbyak::CodeGenerator::T_NEAR);
  }
  const int left = static_cast<int>(whole % kAccumulators);
  for (int i = 0; i < left; ++i) take(i, a.lanes());
  if (rest > 0) take(left, rest);
  a.vaddps(scratch[0], scratch[0], scratch[1]);
  a.vaddps(scratch[2], scratch[2], scratch[3]);
  a.vaddps(scratch[0], scratch[0], scratch[2]);
  a.isa().reduce_add(scratch[0], value);
}

void RowNormEmitter::mean_of_row(const Vector (&scratch)[5]) {
  sum_over_row(scratch, [&](Vector sum, Vector value, int) { a.vaddps(sum, sum, value); });
  const Xmm mean(scratch[0].getIdx());
  a.vmulss(mean, mean, a.float_constant(1.0f / static_cast<float>(count_)));
  a.vbroadcastss(mean_, mean);
}

// factor = 1 / sqrt(mean of squares + epsilon), of the values (rms) or of their distances from the mean. In
// two passes: the difference of mean square and squared mean would cancel.
void RowNormEmitter::inverse_deviation(const Vector (&scratch)[5]) {
  sum_over_row(scratch, [&](Vector sum, Vector value, int real_lanes) {
    if (norm_ == RowNorm::layer) {
      a.vsubps(value, value, mean_);
      if (real_lanes < a.lanes()) a.isa().bit_and(value, value, first_lanes_mask(real_lanes));
    }
    a.vfmadd231ps(sum, value, value);
  });
  const Xmm mean(scratch[0].getIdx());
  const Xmm one(scratch[1].getIdx());
  a.vmulss(mean, mean, a.float_constant(1.0f / static_cast<float>(count_)));
  a.vaddss(mean, mean, r_.epsilon);
  a.vsqrtss(mean, mean, mean);
  a.vmovss(one, a.float_constant(1.0f));
  a.vdivss(mean, one, mean);
  a.vbroadcastss(factor_, mean);
}

Xbyak::Address RowNormEmitter::first_lanes_mask(int lanes) {
  std::vector<std::int32_t> words(static_cast<std::size_t>(a.lanes()), 0);
  std::fill_n(words.begin(), lanes, -1);
  return a.int32_vector_constant(words);
}

}  // namespace burin::kernels
