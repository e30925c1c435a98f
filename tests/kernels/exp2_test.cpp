// 2^x of templates/math/exp2.hpp over all that it promises.
#include "templates/math/exp2.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "jit/assembler.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

struct Arguments {
  const float* input;
  float* output;
  std::int64_t bytes;  // a multiple of 64
};

using Emit = decltype(emit_exp2)*;

// output = 2^input, in the registers from `first` on.
jit::CodeImage exp2_kernel(const jit::Target& target, int first, Emit emit) {
  jit::Assembler a(target);
  a.begin_frame(0);
  a.mov(a.rsi, a.ptr[a.rdi + offsetof(Arguments, input)]);
  a.mov(a.rdx, a.ptr[a.rdi + offsetof(Arguments, output)]);
  a.mov(a.rcx, a.ptr[a.rdi + offsetof(Arguments, bytes)]);
  a.xor_(a.eax, a.eax);
  Xbyak::Label loop;
  a.L(loop);
  a.vmovups(a.vector(first, "x"), a.ptr[a.rsi + a.rax]);
  emit(a, a.vector(first, "x"), a.vector(first + 1, {"scratch", 1}), a.vector(first + 2, {"scratch", 2}));
  a.vmovups(a.ptr[a.rdx + a.rax], a.vector(first, "x"));
  a.add(a.rax, static_cast<std::uint32_t>(a.vector_bytes()));
  a.cmp(a.rax, a.rcx);
  a.jl(loop);
  a.end_frame();
  return a.finish("exp2");
}

std::vector<float> exp2_of(const jit::Target& target, const std::vector<float>& x, int first_register = 0,
                           Emit emit = emit_exp2) {
  const std::size_t bytes = (x.size() * 4 + 63) / 64 * 64;
  const tests::GuardedBuffer input(bytes);
  const tests::GuardedBuffer output(bytes);
  std::copy(x.begin(), x.end(), input.as<float>());
  tests::run_kernel(exp2_kernel(target, first_register, emit),
                    Arguments{input.as<float>(), output.as<float>(), static_cast<std::int64_t>(bytes)});
  return {output.as<float>(), output.as<float>() + x.size()};
}

TEST(Exp2, ForBf16IsAFiftiethOfItsRounding) {
  std::vector<float> x = {0};
  for (float value = -149; value < 0; value += 0x1p-10f) x.push_back(value);
  const std::size_t numbers = x.size();
  const float lost[] = {-151, -1000, -1e30f, -std::numeric_limits<float>::max()};
  x.insert(x.end(), std::begin(lost), std::end(lost));
  x.push_back(std::numeric_limits<float>::quiet_NaN());
  for (const jit::Target& target : tests::host_targets()) {
    if (!target.has(jit::Feature::avx512)) continue;
    const std::vector<float> results =
        exp2_of(target, x, 0, [](jit::Assembler& a, jit::Vector in, jit::Vector first, jit::Vector second) {
          constexpr int kCoefficients = 16;
          emit_exp2_coefficients_for_bf16(a, kCoefficients);
          emit_exp2_for_bf16(a, in, first, second, kCoefficients);
        });
    for (std::size_t i = 0; i < numbers; ++i) {
      const double exact = std::exp2(static_cast<double>(x[i]));
      EXPECT_NEAR(results[i], exact, 8e-5 * exact + 0x1p-149) << target.name << ": 2^" << x[i];
    }
    for (std::size_t i = 0; i < std::size(lost); ++i)
      EXPECT_EQ(results[numbers + i], 0) << target.name << ": 2^" << lost[i];
    EXPECT_TRUE(std::isnan(results.back())) << target.name;
  }
}

TEST(Exp2, IsExactToTwoTenMillionths) {
  std::vector<float> x;
  for (float value = -126; value <= 126; value += 0x1p-10f) x.push_back(value);
  // Around 0, where the softmax's largest terms are, and around the halves, where rounding decides.
  tests::RandomValues random(1);
  for (int i = 0; i < 100000; ++i) x.push_back(-std::exp2(20 * random.value() - 16));
  for (int half = -252; half <= 252; ++half) {
    const float middle = 0.5f * static_cast<float>(half);
    for (const float toward : {-200.0f, 200.0f}) x.push_back(std::nextafter(middle, toward));
  }
  for (const jit::Target& target : tests::host_targets()) {
    const std::vector<float> results = exp2_of(target, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!(std::fabs(x[i]) <= 126)) continue;
      const double exact = std::exp2(static_cast<double>(x[i]));
      ASSERT_NEAR(static_cast<double>(results[i]), exact, 2e-7 * exact) << "x " << x[i] << " " << target.name;
    }
  }
}

TEST(Exp2, WholeNumbersArePowersOfTwo) {
  std::vector<float> x;
  for (int n = -126; n <= 126; ++n) x.push_back(static_cast<float>(n));
  for (const jit::Target& target : tests::host_targets()) {
    const std::vector<float> results = exp2_of(target, x);
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(results[i], std::exp2(x[i])) << x[i] << " " << target.name;
  }
}

TEST(Exp2, LargeOnesCountAs126) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const jit::Target& target : tests::host_targets())
    for (const float result : exp2_of(target, {126, 126.5f, 127, 128, 1000, 1e30f, infinity}))
      EXPECT_EQ(result, 0x1p126f) << target.name;
}

// Between 2^-126 and 2^-150 a target may give denormals or 0; below, 0.
TEST(Exp2, SmallOnesFadeToZero) {
  std::vector<float> x;
  for (float value = -150; value < -126; value += 0x1p-6f) x.push_back(value);
  for (const jit::Target& target : tests::host_targets()) {
    const std::vector<float> results = exp2_of(target, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (results[i] == 0) continue;
      const double exact = std::exp2(static_cast<double>(x[i]));
      ASSERT_NEAR(static_cast<double>(results[i]), exact, 2e-7 * exact + 0x1p-150 * 1.001)
          << "x " << x[i] << " " << target.name;
    }
    const float infinity = std::numeric_limits<float>::infinity();
    for (const float result : exp2_of(target, {-150.01f, -151, -200, -1000, -1024, -1025, -1e30f, -infinity}))
      EXPECT_EQ(result, 0.0f) << target.name;
  }
}

// Kernels put it wherever registers are left.
TEST(Exp2, WorksInTheLastRegisters) {
  const std::vector<float> x = {-3.7f, 0, 0.5f, 1.25f, 10, -60.1f};
  for (const jit::Target& target : tests::host_targets()) {
    const int registers = jit::Assembler(target).vector_registers();
    EXPECT_EQ(exp2_of(target, x, registers - 3), exp2_of(target, x)) << target.name;
  }
}

}  // namespace
}  // namespace burin::kernels
