#include "templates/gemm/code_planes.hpp"

namespace burin::kernels {
namespace {

constexpr int kRowBytes = 128;

// The plane's bits in each of four bytes.
std::uint32_t plane_mask(const CodePlane& plane) {
  const std::uint32_t byte = ((1u << plane.width) - 1u) << plane.position;
  return byte * 0x01010101u;
}

}  // namespace

std::vector<CodePlane> code_planes(int bits) {
  std::vector<CodePlane> planes;
  int position = 0;
  for (const int width : {8, 4, 2, 1}) {
    if ((bits & width) == 0) continue;
    planes.push_back({width, position, position});  // a plane of width w has w rows: rows = bits below
    position += width;
  }
  return planes;
}

void CodeDecoder::keep_mask_in(int plane, jit::Vector mask) {
  const auto number = static_cast<std::size_t>(plane);
  a.vmovups(mask, a.vector_constant(plane_mask(planes_[number])));
  masks_[number] = mask;
}

void CodeDecoder::with_mask(std::size_t plane, const std::function<void(const Xbyak::Operand&)>& use) {
  if (masks_[plane]) return use(*masks_[plane]);
  use(a.vector_constant(plane_mask(planes_[plane])));
}

void CodeDecoder::load_shifted(jit::Vector to, const Xbyak::RegExp& row, int shift, int position) {
  const int left = position - shift;
  const auto count = static_cast<std::uint8_t>(left > 0 ? left : -left);
  if (left == 0) {
    a.vmovups(to, a.ptr[row]);
  } else if (a.vector_bytes() == 64) {  // EVEX shifts take a memory operand
    left > 0 ? a.vpsllw(to, a.ptr[row], count) : a.vpsrlw(to, a.ptr[row], count);
  } else {
    a.vmovups(to, a.ptr[row]);
    left > 0 ? a.vpsllw(to, to, count) : a.vpsrlw(to, to, count);
  }
}

void CodeDecoder::decode(jit::Vector code, const Xbyak::RegExp& inputs, int quad, jit::Vector scratch) {
  const CodePlane& widest = planes_.front();
  const Xbyak::RegExp widest_row = inputs + jit::offset(widest.row(quad) * kRowBytes);
  if (masks_.front() && widest.shift(quad) == 0) {
    a.isa().bit_and(code, *masks_.front(), a.ptr[widest_row]);
  } else {
    load_shifted(code, widest_row, widest.shift(quad), 0);
    if (widest.is_part_of_bytes())
      with_mask(0, [&](const Xbyak::Operand& mask) { a.isa().bit_and(code, code, mask); });
  }
  for (std::size_t i = 1; i < planes_.size(); ++i) {
    const CodePlane& plane = planes_[i];
    load_shifted(scratch, inputs + jit::offset(plane.row(quad) * kRowBytes), plane.shift(quad),
                 plane.position);
    with_mask(i, [&](const Xbyak::Operand& mask) { a.isa().merge_masked_bits(code, scratch, mask); });
  }
}

}  // namespace burin::kernels
