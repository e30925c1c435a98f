#include "tests/emulation/conversion.hpp"

#include "tests/emulation/number.hpp"

namespace burin::emulation {
namespace {

struct Row {
  int bytes;
  bool is_signed;
  FloatFormat format;  // of a float; without exponent for an integer
};

Row row_of(NumberType type) {
  switch (type) {
    case NumberType::fp16: return {2, true, kHalfFormat};
    case NumberType::fp32: return {4, true, kSingleFormat};
    case NumberType::fp64: return {8, true, kDoubleFormat};
    case NumberType::s16: return {2, true, {}};
    case NumberType::u16: return {2, false, {}};
    case NumberType::s32: return {4, true, {}};
    case NumberType::u32: return {4, false, {}};
    case NumberType::s64: return {8, true, {}};
    case NumberType::u64: return {8, false, {}};
  }
  return {};
}

std::uint64_t low_bits(int count) { return ~std::uint64_t{0} >> (64 - count); }
std::uint64_t infinity_of(FloatFormat f) { return low_bits(f.exponent_bits) << f.fraction_bits; }

// Sign and fraction of a NaN, moved to where the other format has them.
std::uint64_t convert_nan(std::uint64_t nan, FloatFormat from, FloatFormat to) {
  const std::uint64_t fraction = nan & low_bits(from.fraction_bits);
  const int shift = to.fraction_bits - from.fraction_bits;
  const std::uint64_t sign = nan >> (from.exponent_bits + from.fraction_bits) & 1;
  const std::uint64_t quiet = std::uint64_t{1} << (to.fraction_bits - 1);
  return sign << (to.exponent_bits + to.fraction_bits) | infinity_of(to) | quiet |
         (shift >= 0 ? fraction << shift : fraction >> -shift);
}

Number integer_value(std::uint64_t value, Row row) {
  const int bits = row.bytes * 8;
  Number number;
  number.negative = row.is_signed && (value >> (bits - 1) & 1) != 0;
  number.magnitude = (number.negative ? ~value + 1 : value) & low_bits(bits);
  return number;
}

std::uint64_t to_integer(const Number& number, Row row, Rounding rounding) {
  const int bits = row.bytes * 8;
  const Number whole = round_to_integer(number, rounding);
  const std::uint64_t indefinite = row.is_signed ? std::uint64_t{1} << (bits - 1) : low_bits(bits);
  const Wide beyond = row.is_signed ? (Wide{1} << (bits - 1)) + (whole.negative ? 1 : 0)
                                    : (whole.negative ? Wide{1} : Wide{1} << bits);
  if (whole.magnitude >= beyond) return indefinite;
  const auto magnitude = static_cast<std::uint64_t>(whole.magnitude);
  return (whole.negative ? ~magnitude + 1 : magnitude) & low_bits(bits);
}

}  // namespace

int bytes_of(NumberType type) { return row_of(type).bytes; }

std::uint64_t convert(std::uint64_t value, NumberType from, NumberType to, Rounding rounding) {
  const Row source = row_of(from);
  const Row target = row_of(to);
  const bool from_float = source.format.exponent_bits != 0;
  const bool to_float = target.format.exponent_bits != 0;
  if (from_float) {
    const std::uint64_t magnitude = value & low_bits(source.bytes * 8 - 1);
    const std::uint64_t infinity = infinity_of(source.format);
    if (magnitude >= infinity && !to_float)
      return target.is_signed ? std::uint64_t{1} << (target.bytes * 8 - 1) : low_bits(target.bytes * 8);
    if (magnitude > infinity) return convert_nan(value, source.format, target.format);
    if (magnitude == infinity) {
      const std::uint64_t sign = value >> (source.bytes * 8 - 1) & 1;
      return sign << (target.bytes * 8 - 1) | infinity_of(target.format);
    }
  }
  const Number number = from_float ? float_value(value, source.format) : integer_value(value, source);
  return to_float ? round_to_float(number, target.format, rounding) : to_integer(number, target, rounding);
}

std::uint64_t without_denormal(std::uint64_t value, NumberType type) {
  const FloatFormat format = row_of(type).format;
  const bool denormal = (value & infinity_of(format)) == 0;
  return denormal ? value & ~low_bits(format.fraction_bits) : value;
}

}  // namespace burin::emulation
