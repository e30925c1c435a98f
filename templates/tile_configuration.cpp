#include "templates/tile_configuration.hpp"

#include <algorithm>
#include <vector>

namespace burin::kernels {
namespace {

// palette 1 | start row 0 | 14 reserved | 16 x bytes per row, two bytes each | 16 x rows, one byte each
constexpr std::size_t kRowBytes = 16;
constexpr std::size_t kRows = 48;

std::vector<std::int32_t> configuration(const TileShapes& shapes) {
  std::array<std::uint8_t, kTileConfigurationBytes> bytes = {1};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    bytes[kRowBytes + 2 * i] = static_cast<std::uint8_t>(shapes[i].row_bytes);
    bytes[kRows + i] = static_cast<std::uint8_t>(shapes[i].rows);
  }
  std::vector<std::int32_t> words(bytes.size() / 4);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    words[i / 4] |= static_cast<std::int32_t>(std::uint32_t{bytes[i]} << i % 4 * 8);
  return words;
}

}  // namespace

void emit_tile_configuration(jit::Assembler& a, const TileShapes& shapes, int stack,
                             const Xbyak::Reg64& rows) {
  Xbyak::Label whole;
  const jit::Vector bytes = a.vector(0, "configuration");
  a.vmovups(bytes, a.int32_vector_constant(configuration(shapes)));
  a.vmovups(a.ptr[a.rsp + jit::offset(stack)], bytes);
  if (std::any_of(shapes.begin(), shapes.end(),
                  [](const TileShape& shape) { return shape.of_activations; })) {
    a.cmp(rows, kTileRows);
    a.jge(whole);
    for (std::size_t i = 0; i < shapes.size(); ++i)
      if (shapes[i].of_activations) a.mov(a.byte[a.rsp + jit::offset(stack) + kRows + i], rows.cvt8());
    a.L(whole);
  }
  a.ldtilecfg(a.ptr[a.rsp + jit::offset(stack)]);
}

}  // namespace burin::kernels
