#include "jit/unwind.hpp"

#include <array>
#include <cstring>

namespace burin::jit {
namespace {

// Registers by their DWARF numbers.
constexpr std::uint8_t kRbx = 3;
constexpr std::uint8_t kRbp = 6;
constexpr std::uint8_t kRsp = 7;
constexpr std::uint8_t kReturnAddress = 16;
// In the order in which they are pushed.
constexpr std::uint8_t kSaved[] = {kRbx, 12, 13, 14, 15};

// Instructions (DW_CFA_...).
constexpr std::uint8_t kNop = 0x00;
constexpr std::uint8_t kAdvance4 = 0x04;
constexpr std::uint8_t kRememberState = 0x0a;
constexpr std::uint8_t kRestoreState = 0x0b;
constexpr std::uint8_t kDefineCfa = 0x0c;
constexpr std::uint8_t kDefineCfaRegister = 0x0d;
constexpr std::uint8_t kDefineCfaOffset = 0x0e;
constexpr std::uint8_t kDefineCfaExpression = 0x0f;
constexpr std::uint8_t kAdvance = 0x40;  // with the distance
constexpr std::uint8_t kOffset = 0x80;   // with the register; then in words below the CFA

// What expressions consist of (DW_OP_...).
constexpr std::uint8_t kRspPlus = 0x77;  // with a signed LEB128
constexpr std::uint8_t kLoad = 0x06;
constexpr std::uint8_t kPlus = 0x23;  // with an unsigned LEB128

constexpr std::uint8_t kWordsDown = 0x78;  // -8 as a signed LEB128: the unit of offsets
// How addresses are written (DW_EH_PE_...): as distances from their places, and as they are.
constexpr std::uint8_t kRelativeSigned32 = 0x1b;
constexpr std::uint8_t kAbsolute = 0x00;

void put_u32(std::vector<std::uint8_t>& bytes, std::size_t value) {
  const auto number = static_cast<std::uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
}

// LEB128: seven bits a byte, the lowest first; the sixth of the last one is the sign.
void put_signed(std::vector<std::uint8_t>& bytes, std::int64_t value) {
  for (; value < -64 || value > 63; value >>= 7)
    bytes.push_back(static_cast<std::uint8_t>(0x80 | (value & 0x7f)));
  bytes.push_back(static_cast<std::uint8_t>(value & 0x7f));
}

void append(std::vector<std::uint8_t>& bytes, std::span<const std::uint8_t> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

// Fills a record up to whole words, and its length field in front, which does not count itself.
void end_record(std::vector<std::uint8_t>& bytes, std::size_t record) {
  while ((bytes.size() - record) % 8 != 0) bytes.push_back(kNop);
  const auto length = static_cast<std::uint32_t>(bytes.size() - record - sizeof(std::uint32_t));
  std::memcpy(bytes.data() + record, &length, sizeof length);
}

// What all kernels have in common: at their first byte the return address is on top of the stack.
std::vector<std::uint8_t> common_record(CodeAddresses addresses) {
  const std::uint8_t encoding = addresses == CodeAddresses::relative ? kRelativeSigned32 : kAbsolute;
  std::vector<std::uint8_t> bytes;
  put_u32(bytes, 0);  // length
  put_u32(bytes, 0);  // a CIE
  append(bytes, std::to_array<std::uint8_t>({1, 'z', 'R', 0, 1, kWordsDown, kReturnAddress, 1, encoding,
                                             kDefineCfa, kRsp, 8, kOffset | kReturnAddress, 1}));
  end_record(bytes, 0);
  return bytes;
}

}  // namespace

void UnwindProgram::advance(std::size_t to) {
  const std::size_t distance = to - at_;
  at_ = to;
  if (distance == 0) return;
  if (distance < 0x40) {
    bytes_.push_back(static_cast<std::uint8_t>(kAdvance | distance));
  } else {
    bytes_.push_back(kAdvance4);
    put_u32(bytes_, distance);
  }
}

void UnwindProgram::enter(std::size_t pushed, std::size_t framed, std::size_t saved) {
  advance(pushed);
  append(bytes_, std::to_array<std::uint8_t>({kDefineCfaOffset, 16, kOffset | kRbp, 2}));
  advance(framed);
  append(bytes_, std::to_array<std::uint8_t>({kDefineCfaRegister, kRbp}));
  advance(saved);
  std::uint8_t words = 3;
  for (const std::uint8_t reg : kSaved) {
    bytes_.push_back(kOffset | reg);
    bytes_.push_back(words++);
  }
}

void UnwindProgram::leave(std::size_t popped, std::size_t returned) {
  advance(popped);
  append(bytes_, std::to_array<std::uint8_t>({kRememberState, kDefineCfa, kRsp, 8}));
  advance(returned);
  bytes_.push_back(kRestoreState);
}

void UnwindProgram::lend_rbp(std::size_t at, int above) {
  advance(at);
  std::vector<std::uint8_t> expression = {kRspPlus};
  put_signed(expression, above);
  append(expression, std::to_array<std::uint8_t>({kLoad, kPlus, 16}));
  bytes_.push_back(kDefineCfaExpression);
  bytes_.push_back(static_cast<std::uint8_t>(expression.size()));
  append(bytes_, expression);
}

void UnwindProgram::reclaim_rbp(std::size_t at) {
  advance(at);
  append(bytes_, std::to_array<std::uint8_t>({kDefineCfa, kRbp, 16}));
}

EhFrame eh_frame(std::span<const UnwoundCode> codes, CodeAddresses addresses) {
  EhFrame frame;
  std::vector<std::uint8_t>& bytes = frame.bytes;
  bytes = common_record(addresses);
  // Numbers of bytes are as wide as addresses.
  const auto put_wide = [&](std::size_t value) {
    put_u32(bytes, value);
    if (addresses == CodeAddresses::absolute) put_u32(bytes, value >> 32);
  };
  for (const UnwoundCode& code : codes) {
    const std::size_t record = bytes.size();
    put_u32(bytes, 0);           // length
    put_u32(bytes, record + 4);  // back to the CIE
    frame.places.push_back(bytes.size());
    put_wide(0);
    put_wide(code.code_bytes);
    bytes.push_back(0);  // no further data
    append(bytes, code.program);
    end_record(bytes, record);
  }
  return frame;
}

}  // namespace burin::jit
