// VMOVW and VMOVSH.
#include <gtest/gtest.h>

#include "tests/emulation/instruction_run.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace burin::emulation {
namespace {

using Code = Xbyak::CodeGenerator;
using namespace Xbyak::util;

class Fp16Moves : public testing::Test {
 protected:
  Fp16Moves() : memory_(2, 1) {
    tests::RandomValues random(41);
    before_ = random_registers(random);
    before_.flags = 0x202;
    before_.mxcsr = 0x1f80;
    before_.mask[1] = 0;
    before_.mask[2] = 1;
    before_.general[kRax] = 0xaaaabbbbcccc1234u;
    before_.general[kRcx] = reinterpret_cast<std::uint64_t>(memory_.as());
    *memory_.as<std::uint16_t>() = 0x5678;
    // A masked move does not touch memory: rdx leads nowhere.
    before_.general[kRdx] = 0;
    expected_ = before_;
  }
  void expect(const Emit& emit) {
    EXPECT_EQ(run(emit, before_), expected_);
    expected_ = before_;
  }
  // Of zmm1: the lowest 16 bits, then those of `upper` up to bit 127, then zeros.
  void set_result(std::uint16_t low, const VectorBytes* upper) {
    VectorBytes& to = expected_.vector[1];
    to = {};
    if (upper != nullptr) std::memcpy(to.data(), upper->data(), 16);
    set_lane(to, 0, low);
  }
  std::uint16_t low(int number) const {
    return lane<std::uint16_t>(before_.vector[static_cast<std::size_t>(number)], 0);
  }

  tests::GuardedBuffer memory_;
  Registers before_, expected_;
};

TEST_F(Fp16Moves, Words) {
  set_result(0x1234, nullptr);
  expect([](Code& c) { c.vmovw(xmm1, eax); });
  set_result(0x5678, nullptr);
  expect([](Code& c) { c.vmovw(xmm1, ptr[rcx]); });
  expected_.general[kRax] = low(3);
  expect([](Code& c) { c.vmovw(eax, xmm3); });
  expect([](Code& c) { c.vmovw(ptr[rcx], xmm20); });
  EXPECT_EQ(*memory_.as<std::uint16_t>(), low(20));
}

TEST_F(Fp16Moves, ScalarsBetweenRegisters) {
  set_result(low(3), &before_.vector[2]);
  expect([](Code& c) { c.vmovsh(xmm1, xmm2, xmm3); });
  set_result(low(3), &before_.vector[2]);
  expect([](Code& c) { c.vmovsh(xmm1 | k2, xmm2, xmm3); });
  set_result(low(1), &before_.vector[2]);
  expect([](Code& c) { c.vmovsh(xmm1 | k1, xmm2, xmm3); });
  set_result(0, &before_.vector[2]);
  expect([](Code& c) { c.vmovsh(xmm1 | k1 | T_z, xmm2, xmm3); });
}

TEST_F(Fp16Moves, ScalarsAndMemory) {
  set_result(0x5678, nullptr);
  expect([](Code& c) { c.vmovsh(xmm1, ptr[rcx]); });
  set_result(low(1), nullptr);
  expect([](Code& c) { c.vmovsh(xmm1 | k1, ptr[rdx]); });
  set_result(0, nullptr);
  expect([](Code& c) { c.vmovsh(xmm1 | k1 | T_z, ptr[rdx]); });
  expect([](Code& c) { c.vmovsh(ptr[rdx] | k1, xmm3); });
  EXPECT_EQ(*memory_.as<std::uint16_t>(), 0x5678);
  expect([](Code& c) { c.vmovsh(ptr[rcx] | k2, xmm3); });
  EXPECT_EQ(*memory_.as<std::uint16_t>(), low(3));
}

}  // namespace
}  // namespace burin::emulation
