// Kernels whose AMX and AVX512-FP16 instructions are emulated whatever this CPU has.
#include "tests/emulation/loaded_kernel.hpp"

#include <gtest/gtest.h>
#include <xbyak/xbyak.h>

#include <array>
#include <cstring>
#include <optional>

#include "tests/emulation/emulator.hpp"
#include "tests/emulation/half.hpp"

namespace burin::emulation {
namespace {

using namespace Xbyak::util;

using Halves = std::array<Half, 32>;
constexpr Half kOne = 0x3c00, kThree = 0x4200, kFour = 0x4400;

// void(Halves*): adds a constant of 32 FP16, which lies behind the code.
class AddsThree : public Xbyak::CodeGenerator {
 public:
  AddsThree() {
    Xbyak::Label three;
    vmovdqu16(zmm0, ptr[rdi]);
    vaddph(zmm0, zmm0, ptr[rip + three]);
    vmovdqu16(ptr[rdi], zmm0);
    vzeroupper();
    ret();
    code_size = getSize();
    align(64);
    L(three);
    for (int i = 0; i < 32; ++i) dw(kThree);
    // No code, but what an FP16 instruction looks like.
    vaddph(zmm0, zmm0, zmm0);
  }
  jit::CodeImage image() const {
    jit::CodeImage image;
    image.name = "adds-three";
    image.code_size = static_cast<std::uint32_t>(code_size);
    image.bytes.assign(getCode(), getCode() + getSize());
    return image;
  }

  std::size_t code_size = 0;
};

const std::uint8_t* bytes_of(const LoadedKernel& kernel) {
  return static_cast<const std::uint8_t*>(kernel.entry());
}

Halves added(const LoadedKernel& kernel) {
  Halves halves;
  halves.fill(kOne);
  reinterpret_cast<void (*)(Halves*)>(const_cast<void*>(kernel.entry()))(&halves);
  return halves;
}

Halves all_four() {
  Halves halves;
  halves.fill(kFour);
  return halves;
}

class LoadedKernelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!native_features().has(jit::Feature::avx512)) GTEST_SKIP() << "skipped: this CPU has no AVX-512";
  }
  const AddsThree code_;
};

TEST_F(LoadedKernelTest, IsEmulatedWhereTheEmulatorTakesOver) {
  const EmulatedCpu cpu(Emulate::tiles_and_fp16);
  const LoadedKernel kernel(code_.image());
  EXPECT_TRUE(LoadedKernel::is_trapping(reinterpret_cast<std::uint64_t>(kernel.entry())));
  EXPECT_EQ(added(kernel), all_four());
  EXPECT_EQ(cpu.count("vaddph"), 1u);
  EXPECT_EQ(cpu.total(), 1u);
}

TEST_F(LoadedKernelTest, IsAsEmittedOtherwise) {
  const jit::CodeImage image = code_.image();
  const bool native = native_features().has(jit::Feature::avx512fp16);
  const EmulatedCpu cpu;
  const LoadedKernel kernel(image);
  EXPECT_EQ(std::memcmp(kernel.entry(), image.bytes.data(), image.bytes.size()), 0);
  EXPECT_EQ(added(kernel), all_four());
  EXPECT_EQ(cpu.total(), native ? 0u : 1u);
}

TEST_F(LoadedKernelTest, OnlyCodeIsReplaced) {
  const jit::CodeImage image = code_.image();
  const EmulatedCpu cpu(Emulate::tiles_and_fp16);
  const LoadedKernel kernel(image);
  EXPECT_NE(std::memcmp(kernel.entry(), image.bytes.data(), image.code_size), 0);
  EXPECT_EQ(std::memcmp(bytes_of(kernel) + image.code_size, image.bytes.data() + image.code_size,
                        image.bytes.size() - image.code_size),
            0);
}

// Inner ones do not end what an outer one does, and take over only for themselves.
TEST_F(LoadedKernelTest, EmulatorsNest) {
  std::optional<EmulatedCpu> outer(Emulate::tiles_and_fp16);
  {
    const EmulatedCpu inner;
    EXPECT_FALSE(EmulatedCpu::takes_over());
  }
  EXPECT_TRUE(EmulatedCpu::takes_over());
  outer.reset();
  EXPECT_FALSE(EmulatedCpu::takes_over());
}

// A place that an unloaded kernel leaves is the next one's.
TEST_F(LoadedKernelTest, AsManyAsComeAndGo) {
  const EmulatedCpu cpu(Emulate::tiles_and_fp16);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(added(LoadedKernel(code_.image())), all_four());
  EXPECT_EQ(cpu.total(), 100u);
}

TEST_F(LoadedKernelTest, SaysWhatIsInTheCode) {
  EXPECT_TRUE(has_tiles_or_fp16(code_.image()));
  jit::CodeImage without = code_.image();
  without.code_size = 6;  // the load before it
  EXPECT_FALSE(has_tiles_or_fp16(without));
}

}  // namespace
}  // namespace burin::emulation
