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

void CodeDecoder::keep_mask_in(jit::Vector mask) {
  if (planes_.front().width == 8) return;
  a.vmovups(mask, a.vector_constant(plane_mask(planes_.front())));
  mask_ = mask;
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
  if (mask_ && widest.shift(quad) == 0) {
    a.isa().bit_and(code, *mask_, a.ptr[widest_row]);
  } else {
    load_shifted(code, widest_row, widest.shift(quad), 0);
    if (mask_)
      a.isa().bit_and(code, code, *mask_);
    else if (widest.width < 8)
      a.isa().bit_and(code, code, a.vector_constant(plane_mask(widest)));
  }
  for (std::size_t i = 1; i < planes_.size(); ++i) {
    const CodePlane& plane = planes_[i];
    load_shifted(scratch, inputs + jit::offset(plane.row(quad) * kRowBytes), plane.shift(quad),
                 plane.position);
    a.isa().merge_masked_bits(code, scratch, a.vector_constant(plane_mask(plane)));
  }
}

}  // namespace burin::kernels
