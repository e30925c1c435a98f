#include "runtime/synthetic/synthetic_weights.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "templates/formats/superblock_packing.hpp"

namespace burin::runtime {
namespace {

// Scales of 8 to 15 steps, and minimums of as many, that are f16 of about 6e-5: the same sizes as below.
void set_synthetic_scales(std::byte* superblock, const kernels::WeightFormat& format) {
  const kernels::SuperblockLayout layout(format);
  for (int column = 0; column < kernels::kBlockColumns; ++column) {
    const auto step = static_cast<std::uint16_t>(0x0400 + column);
    std::memcpy(superblock + layout.scale(column), &step, sizeof(step));
    if (!format.symmetric) std::memcpy(superblock + layout.minimum(column), &step, sizeof(step));
    for (int group = 0; group < kernels::kSuperblock / format.group; ++group) {
      const auto steps = static_cast<std::byte>(8 + (column + group) % 8);
      superblock[layout.group_scale(group, column)] = steps;
      if (!format.symmetric) superblock[layout.group_minimum(group, column)] = steps;
    }
  }
}

// 5e-4 to 1e-3, or the power of two nearest to it.
void set_synthetic_scales(std::byte* group, const kernels::WeightFormat& format,
                          const kernels::PackedShape& shape) {
  const auto code_bytes = static_cast<std::size_t>(shape.unit_inputs * 4 * format.bits);
  const std::size_t scale_bytes = shape.unit_bytes - code_bytes;
  if (format.scale == kernels::ScaleType::e8m0 || format.has_factors()) {
    std::memset(group + code_bytes, format.has_factors() ? 0x38 : 117, scale_bytes);  // 1, 2^-10
    return;
  }
  auto* scales = reinterpret_cast<std::uint16_t*>(group + code_bytes);
  const bool wide = format.scale == kernels::ScaleType::f32;
  for (std::size_t i = 0; i < scale_bytes / 2; ++i)
    scales[i] = static_cast<std::uint16_t>(
        format.scale == kernels::ScaleType::f16 ? 0x1000 + i : (wide && i % 2 == 0 ? 0 : 0x3a00 + i));
}

// Bits of eight bytes of made-up weights: those of the mask are random.
struct RandomBits {
  std::uint64_t mask;
  std::uint64_t base;
};

// Floats of either sign and of 0.0078 to 0.0156, so that activations keep their size from layer to layer: what becomes
// denormal takes CPUs a hundred times as long. fp8: below 2, as large codes are no numbers.
RandomBits random_bits_of(const kernels::WeightFormat& format) {
  if (format.is_fp8()) return {0xbfbfbfbfbfbfbfbfull, 0};
  switch (format.kind) {
    case kernels::WeightKind::f32: return {0x807fffff807fffffull, 0x3c0000003c000000ull};
    case kernels::WeightKind::f16: return {0x83ff83ff83ff83ffull, 0x2000200020002000ull};
    case kernels::WeightKind::bf16: return {0x807f807f807f807full, 0x3c003c003c003c00ull};
    default: return {~0ull, 0};
  }
}

// Any codes, under scales that are small positive f16 bit patterns (0x1000 .. 0x13ff, about 5e-4 to 1e-3); or floats.
void fill_synthetic(std::byte* out, std::size_t bytes, const kernels::WeightFormat& format,
                    const kernels::PackedShape& shape, std::uint64_t seed) {
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
  auto* words = reinterpret_cast<std::uint64_t*>(out);
  const RandomBits bits = random_bits_of(format);
  for (std::size_t i = 0; i < bytes / 8; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    words[i] = (state & bits.mask) | bits.base;
  }
  if (!format.has_codes()) return;
  if (format.is_two_level()) {
    for (std::size_t unit = 0; unit + shape.unit_bytes <= bytes; unit += shape.unit_bytes)
      set_synthetic_scales(out + unit, format);
    return;
  }
  for (std::size_t block = 0; block + shape.block_bytes <= bytes; block += shape.block_bytes) {
    const std::size_t end = block + shape.block_bytes - shape.factor_bytes;
    for (std::size_t unit = block; unit < end; unit += shape.unit_bytes)
      set_synthetic_scales(out + unit, format, shape);
    auto* factors = reinterpret_cast<float*>(out + end);
    std::fill_n(factors, shape.factor_bytes / sizeof(float), 0x1p-10f);
  }
}

}  // namespace

Weights synthetic_weights(const graph::Plan& plan, ThreadPool& pool) {
  Weights weights = allocate_weights(plan);
  std::atomic<std::size_t> next{0};
  pool.run([&](int) {
    for (std::size_t i = next++; i < plan.matrices.size(); i = next++)
      fill_synthetic(weights.writable(i), plan.matrices[i].shape.total_bytes, plan.matrices[i].format,
                     plan.matrices[i].shape, i + 1);
  });
  for (const graph::PackedMatrix& matrix : plan.matrices) {
    const std::size_t experts = matrix.has_bias() ? static_cast<std::size_t>(matrix.experts) : 0;
    weights.biases.emplace_back(matrix.columns.size() * experts, 0.01f);
  }
  for (const graph::PaddedVector& vector : plan.vectors)
    weights.vectors.emplace_back(static_cast<std::size_t>(vector.padded()), 1.0f);
  weights.ropes = plan.ropes;
  return weights;
}

}  // namespace burin::runtime
