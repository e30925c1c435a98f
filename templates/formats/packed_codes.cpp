#include "templates/formats/packed_codes.hpp"

#include <cstring>

namespace burin::kernels {
namespace {

constexpr int kQuads = 8;  // of four inputs each
constexpr int kRowBytes = 128;
constexpr int kWidths[] = {8, 4, 2, 1};

// Where an input's byte is among the pairs of fp8 numbers.
std::size_t pair_place(int input, int column) {
  return static_cast<std::size_t>((input / 2 * kBlockColumns + column) * 2 + input % 2);
}

// Four codes of a column at a time: a quad is a 32-bit word of the layout.
void store_planes(int bits, const ColumnCodes& columns, std::byte* step) {
  std::array<std::uint32_t, static_cast<std::size_t>(kRowBytes / 4) * 8> words{};
  int position = 0;
  for (const int width : kWidths) {
    if ((bits & width) == 0) continue;
    const std::uint32_t mask = ((1u << width) - 1u) * 0x01010101u;
    for (int quad = 0; quad < kQuads; ++quad) {
      const int row = position + quad * width / 8;  // planes so far have as many rows as bits
      const int shift = quad * width % 8;
      std::uint32_t* row_words = words.data() + row * kBlockColumns;
      for (std::size_t column = 0; column < kBlockColumns; ++column) {
        std::uint32_t four;
        std::memcpy(&four, columns[column] + quad * 4, sizeof(four));
        row_words[column] |= ((four >> position) & mask) << shift;
      }
    }
    position += width;
  }
  std::memcpy(step, words.data(), static_cast<std::size_t>(step_code_bytes(bits)));
}

int load_planes(int bits, const std::byte* step, int input, int column) {
  const int quad = input / 4;
  int code = 0;
  int position = 0;
  for (const int width : kWidths) {
    if ((bits & width) == 0) continue;
    const std::byte* row = step + (position + quad * width / 8) * kRowBytes;
    const int byte = std::to_integer<int>(row[column * 4 + input % 4]);
    code |= (byte >> (quad * width % 8) & ((1 << width) - 1)) << position;
    position += width;
  }
  return code;
}

}  // namespace

void store_codes(const WeightFormat& format, const ColumnCodes& columns, std::byte* step) {
  if (!format.is_fp8()) return store_planes(format.bits, columns, step);
  for (int column = 0; column < kBlockColumns; ++column)
    for (int input = 0; input < kStep; ++input)
      step[pair_place(input, column)] =
          static_cast<std::byte>(columns[static_cast<std::size_t>(column)][input]);
}

int load_code(const WeightFormat& format, const std::byte* step, int input, int column) {
  if (format.is_fp8()) return std::to_integer<int>(step[pair_place(input, column)]);
  return load_planes(format.bits, step, input, column);
}

}  // namespace burin::kernels
