#include "templates/gemm/weight_values.hpp"

#include <algorithm>
#include <bit>

#include "jit/error.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kQuads = 8;

}  // namespace

void WeightValues::emit() {
  for (int plane = 0; plane < tile_.masks(); ++plane)
    c_.spec.weights.is_fp8() ? float8_.keep_mask_in(tile_.mask())
                             : decoder_.keep_mask_in(plane, tile_.mask(plane));
  if (tile_.has_tables()) table_.keep_in(tile_.table(0), 0);
  if (c_.spec.weights.is_two_level())
    two_level_.for_each_step([&] { superblock_step(); });
  else if (c_.spec.weights.has_codes())
    groups();
  else
    floats();
}

// Groups of inputs (two of 16) with their scales behind them, 32 inputs at a time.
void WeightValues::groups() {
  const int steps = unit_inputs(c_) / 32;
  const int quads = kQuads / groups_per_step(c_.spec.weights);
  Xbyak::Label unit;
  Xbyak::Label step;
  a.align(64);
  a.L(unit);
  a.lea(c_.r.scales, a.ptr[c_.r.weights + jit::offset(steps * code_bytes())]);
  load_group_scales(0);
  a.mov(a.name(c_.r.free, "steps_left"), static_cast<std::uint32_t>(steps));
  a.L(step);
  for (int quad = 0; quad < kQuads; ++quad) {
    if (quad > 0 && quad % quads == 0) load_group_scales(quad / quads);
    coded_quad(quad);
  }
  use_.end_step(32);
  a.add(c_.r.weights, static_cast<std::uint32_t>(code_bytes()));
  a.dec(c_.r.free);
  a.jnz(step, kNear);
  const int scale_bytes = static_cast<int>(c_.packed.unit_bytes) - steps * code_bytes();
  a.add(c_.r.weights, static_cast<std::uint32_t>(scale_bytes));
  a.dec(c_.r.groups_left);
  a.jnz(unit, kNear);
}

void WeightValues::load_group_scales(int group) {
  for (int v = 0; v < tile_.vectors(); ++v) {
    load_scales(c_, tile_, pass_, group, v, ScaleArray::scales, tile_.scale(v));
    scale_for_codes(tile_.scale(v));
    if (!c_.spec.weights.symmetric)
      load_scales(c_, tile_, pass_, group, v, ScaleArray::minimums, tile_.minimum(v));
  }
}

// Bytes of a table are counted in its steps; E4M3 numbers, or scales, are decoded with another exponent.
void WeightValues::scale_for_codes(jit::Vector scale) {
  const int steps = is_byte_table() ? std::max(value_table(c_.spec.weights.table).steps, 1) : 1;
  const float factor = Float8Decoder::scale_factor(c_.spec.weights) /
                       (static_cast<float>(steps) * widened_sum_factor(c_.spec));
  if (factor == 1) return;
  a.vmulps(scale, scale, a.vector_constant(std::bit_cast<std::uint32_t>(factor)));
}

// 32 inputs of a superblock, one or two groups in them.
void WeightValues::superblock_step() {
  const int quads = kQuads / groups_per_step(c_.spec.weights);
  for (int quad = 0; quad < kQuads; ++quad) {
    if (quad % quads == 0) load_two_level_scales(quad / quads);
    coded_quad(quad);
  }
  use_.end_step(32);
}

void WeightValues::load_two_level_scales(int group) {
  for (int v = 0; v < tile_.vectors(); ++v) {
    two_level_.load(group, ScaleArray::scales, v, tile_.scale(v));
    scale_for_codes(tile_.scale(v));
    if (!c_.spec.weights.symmetric) two_level_.load(group, ScaleArray::minimums, v, tile_.minimum(v));
  }
}

void WeightValues::float8_quad(int quad) {
  for (int input = quad * 4; input < quad * 4 + 4; ++input) {
    for (int v = 0; v < tile_.vectors(); ++v) {
      const jit::Vector to = use_.target(input, v);
      float8_.load(to, c_.r.weights, input, tile_.block_vector(pass_, v));
      a.vmulps(to, to, tile_.scale(v));
    }
    use_.use(input);
  }
}

void WeightValues::coded_quad(int quad) {
  if (c_.spec.weights.is_fp8()) return float8_quad(quad);
  for (int v = 0; v < tile_.vectors(); ++v) {
    const Xbyak::RegExp inputs = c_.r.weights + jit::offset(tile_.block_vector(pass_, v) * a.vector_bytes());
    decoder_.decode(tile_.code(v), inputs, quad, tile_.scratch());
    if (is_byte_table()) table_.look_up(tile_.code(v), tile_.code(v), 0, tile_.scratch());
  }
  for (int byte = 0; byte < 4; ++byte) {
    const int input = quad * 4 + byte;
    for (int v = 0; v < tile_.vectors(); ++v) dequantize(v, byte, use_.target(input, v));
    use_.use(input);
  }
}

// Which values codes of at most 4 bits stand for.
std::array<float, 16> WeightValues::float_table() const {
  std::array<float, 16> values = {};
  for (int code = 0; code < 1 << c_.spec.weights.bits; ++code)
    values[static_cast<std::size_t>(code)] = c_.spec.weights.code_value(code);
  return values;
}

// to = value of one byte of the codes. Codes of the bytes above do a look-up no harm: it takes the lowest four bits.
void WeightValues::dequantize(int vector, int byte, jit::Vector to) {
  const jit::Vector code = tile_.code(vector);
  if (byte > 0) a.vpsrld(to, code, static_cast<std::uint8_t>(8 * byte));
  const jit::Vector lowest = byte > 0 ? to : code;
  if (looks_up_floats(a, c_.spec.weights)) {
    a.isa().look_up_floats(to, lowest, float_table(), tile_.scratch(), tile_.look_up_scratch());
  } else {
    if (byte < 3) a.isa().bit_and(to, lowest, a.vector_constant(0xff));
    if (c_.spec.weights.symmetric)
      a.vpsubd(to, to, a.vector_constant(static_cast<std::uint32_t>(c_.spec.weights.zero_point())));
    a.vcvtdq2ps(to, to);
  }
  if (c_.spec.weights.symmetric)
    a.vmulps(to, to, tile_.scale(vector));
  else
    a.vfmadd213ps(to, tile_.scale(vector), tile_.minimum(vector));
}

void WeightValues::floats() {
  Xbyak::Label loop;
  a.align(64);
  a.L(loop);
  for (int input = 0; input < kFloatPadding; ++input) {
    for (int v = 0; v < tile_.vectors(); ++v) load_float(v, input, use_.target(input, v));
    use_.use(input);
  }
  use_.end_step(kFloatPadding);
  a.add(c_.r.weights, static_cast<std::uint32_t>(kFloatPadding * kBlockColumns * c_.spec.weights.bits / 8));
  a.dec(c_.r.groups_left);
  a.jnz(loop, kNear);
}

void WeightValues::load_float(int vector, int input, jit::Vector to) {
  const int block_vector = tile_.block_vector(pass_, vector);
  const int row_bytes = kBlockColumns * c_.spec.weights.bits / 8;
  const auto at = [&](int displacement) { return a.ptr[c_.r.weights + jit::offset(displacement)]; };
  switch (c_.spec.weights.kind) {
    case WeightKind::f32: a.vmovups(to, at(input * row_bytes + block_vector * a.vector_bytes())); break;
    case WeightKind::f16: a.vcvtph2ps(to, at(input * row_bytes + block_vector * a.vector_bytes() / 2)); break;
    case WeightKind::bf16: {  // pairs of inputs in a dword
      a.vmovups(to, at(input / 2 * 2 * row_bytes + block_vector * a.vector_bytes()));
      if (input % 2 == 0)
        a.vpslld(to, to, 16);
      else
        a.isa().bit_and(to, to, a.vector_constant(0xffff0000));
      break;
    }
    default: fail("gemm: weights {} are no float format", to_text(c_.spec.weights));
  }
}

}  // namespace burin::kernels
