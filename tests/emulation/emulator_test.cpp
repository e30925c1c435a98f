// EmulatedCpu as kernel tests use it: targets, threads, signals, refusals.
#include "tests/emulation/emulator.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <barrier>
#include <cerrno>
#include <csignal>
#include <thread>
#include <vector>

#include "jit/executable_memory.hpp"
#include "tests/emulation/half.hpp"
#include "tests/emulation/instruction_run.hpp"
#include "tests/emulation/tile_config.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace burin::emulation {
namespace {

using Code = Xbyak::CodeGenerator;
using namespace Xbyak::util;

bool host_has_avx512() { return native_features().has(jit::Feature::avx512); }

TEST(EmulatedCpuTargets, AllThatNeedNoMoreVectors) {
  for (const jit::NamedTarget& named : jit::known_targets()) {
    const jit::Target target = jit::parse_target(named.name);
    const bool tiles_of_other_kind = has_native_tiles() && target.has(jit::Feature::amx_fp16);
    if (tiles_of_other_kind) continue;
    EXPECT_EQ(can_run(target), host_has_avx512() || !target.has(jit::Feature::avx512)) << target.name;
  }
}
TEST(EmulatedCpuTargets, NothingIsEmulatedThatIsTheBase) {
  EXPECT_FALSE(emulated_features().has(jit::Feature::avx2));
  EXPECT_FALSE(emulated_features().has(jit::Feature::avx512));
}

// float16 sums[32] += a[i] * b[32 * i ...] for i below n: rdi a, rsi b, rdx n, rcx sums. A GEMM's inner loop.
class SumOfProducts : public Code {
 public:
  SumOfProducts() {
    Xbyak::Label loop;
    vmovdqu16(zmm0, ptr[rcx]);
    L(loop);
    vmovdqu16(zmm1, ptr[rsi]);
    vfmadd231ph(zmm0, zmm1, ptr_b[rdi]);
    add(rdi, 2);
    add(rsi, 64);
    dec(rdx);
    jnz(loop);
    vmovdqu16(ptr[rcx], zmm0);
    vzeroupper();
    ret();
  }
};

class Kernel {
 public:
  Kernel() : memory_(std::span(code_.getCode(), code_.getSize())) {}
  void operator()(const Half* a, const Half* b, std::size_t n, Half* sums) const {
    reinterpret_cast<void (*)(const Half*, const Half*, std::size_t, Half*)>(
        const_cast<void*>(memory_.entry()))(a, b, n, sums);
  }

 private:
  SumOfProducts code_;
  jit::ExecutableMemory memory_;
};

constexpr std::size_t kDepth = 24;

// One problem and what the kernel must make of it.
struct Problem {
  std::vector<Half> a, b, sums, expected;

  explicit Problem(std::uint64_t seed) : a(kDepth), b(kDepth * 32), sums(32) {
    tests::RandomValues random(seed);
    const auto fill = [&](std::vector<Half>& all) {
      for (Half& half : all)
        half = static_cast<Half>(0x3400 + random.below(0x800)) | static_cast<Half>(random.bits() & 0x8000);
    };
    fill(a);
    fill(b);
    fill(sums);
    expected = sums;
    for (std::size_t i = 0; i < kDepth; ++i)
      for (std::size_t j = 0; j < 32; ++j)
        expected[j] = half_fused(b[32 * i + j], a[i], expected[j], {false, false}, Rounding::nearest_even);
  }
  bool solved_by(const Kernel& kernel) const {
    std::vector<Half> result = sums;
    kernel(a.data(), b.data(), kDepth, result.data());
    return result == expected;
  }
};

class EmulatedCpuTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!host_has_avx512()) GTEST_SKIP() << "skipped: this CPU has no AVX-512";
    emulated_ = !native_features().has(jit::Feature::avx512fp16);
  }
  bool emulated_ = false;
};

TEST_F(EmulatedCpuTest, CountsWhatItEmulates) {
  const EmulatedCpu cpu;
  EXPECT_EQ(cpu.total(), 0u);
  EXPECT_TRUE(Problem(1).solved_by(Kernel()));
  EXPECT_EQ(cpu.count("vfmadd231ph"), emulated_ ? kDepth : 0);
  EXPECT_EQ(cpu.total(), cpu.count("vfmadd231ph"));
  if (emulated_) {
    EXPECT_EQ(cpu.counts().at(0).mnemonic, "vfmadd231ph");
  }
}

// Instructions in a row share a signal; the CPU's own ones among them stay its own.
TEST_F(EmulatedCpuTest, InstructionsInARow) {
  const EmulatedCpu cpu;
  Registers before;
  for (int i = 0; i < 32; ++i) set_lane<Half>(before.vector[2], i, 0x3c00);
  const Registers after = run_on_cpu(
      [](Code& c) {
        c.vaddph(zmm1, zmm2, zmm2);
        c.vaddph(zmm1, zmm1, zmm2);
        c.vmulph(zmm3, zmm1, zmm1);
        c.vpaddw(zmm4, zmm3, zmm3);
        c.vpdpbusd(zmm5, zmm2, zmm2, Xbyak::EvexEncoding);
        c.vcvtph2w(zmm3, zmm3);
        c.tilerelease();
      },
      before);
  EXPECT_EQ(lane<Half>(after.vector[3], 31), 9);
  EXPECT_EQ(lane<Half>(after.vector[4], 31), 0x9100);  // 0x4880, the FP16 9, twice
  const bool has_vnni = native_features().has(jit::Feature::avx512vnni);
  EXPECT_EQ(cpu.total(), (emulated_ ? 4 : 0) + (has_native_tiles() ? 0 : 1) + (has_vnni ? 0 : 1));
}

// (1, 1) * (1, 1) in BF16 and a tile of one dword.
float product_of_tiles() {
  const TileConfig config = TileConfig().tile(0, 1, 4).tile(1, 1, 4).tile(2, 1, 4);
  const std::uint32_t ones = 0x3f803f80;
  float product = 0;
  Registers before;
  before.general[kRax] = reinterpret_cast<std::uint64_t>(&config);
  before.general[kRcx] = reinterpret_cast<std::uint64_t>(&ones);
  before.general[kRdx] = reinterpret_cast<std::uint64_t>(&product);
  run_on_cpu(
      [](Code& c) {
        c.ldtilecfg(ptr[rax]);
        c.tilezero(emulation::tmm0);
        c.tileloadd(emulation::tmm1, ptr[rcx + r8]);
        c.tileloadd(emulation::tmm2, ptr[rcx + r8]);
        c.tdpbf16ps(emulation::tmm0, emulation::tmm1, emulation::tmm2);
        c.tilestored(ptr[rdx + r8], emulation::tmm0);
        c.tilerelease();
      },
      before);
  return product;
}

TEST_F(EmulatedCpuTest, ThreadsAtOnce) {
  const EmulatedCpu cpu;
  const Kernel kernel;
  std::atomic<int> solved = 0;
  std::barrier<> together(4);
  const auto work = [&](std::uint64_t seed) {
    together.arrive_and_wait();
    for (std::uint64_t i = 0; i < 40; ++i) solved += Problem(100 * seed + i).solved_by(kernel) ? 1 : 0;
    EXPECT_EQ(product_of_tiles(), 2);
  };
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) threads.emplace_back(work, seed);
  work(4);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(solved, 160);
}

// Handlers of other signals that run emulated instructions themselves, between those of the interrupted
// kernel.
const Kernel* handler_kernel = nullptr;
const Problem* handler_problem = nullptr;
std::atomic<int> handled, handled_right;
void on_user_signal(int) {
  Half sums[32];
  std::copy(handler_problem->sums.begin(), handler_problem->sums.end(), sums);
  (*handler_kernel)(handler_problem->a.data(), handler_problem->b.data(), kDepth, sums);
  handled_right += std::equal(sums, sums + 32, handler_problem->expected.begin()) ? 1 : 0;
  ++handled;
}

void expect_right_under_signals(int flags) {
  const EmulatedCpu cpu;
  const Kernel kernel;
  const Problem problem(3), problem_of_handler(4);
  handler_kernel = &kernel;
  handler_problem = &problem_of_handler;
  handled = handled_right = 0;
  struct sigaction action = {}, previous = {};
  action.sa_handler = on_user_signal;
  action.sa_flags = flags;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &previous), 0);
  // One signal at a time, somewhere in a round of the kernel.
  std::atomic<int> rounds = 0;
  std::thread sender([&, receiver = pthread_self()] {
    for (int sent = 0; sent < 200; ++sent) {
      const int round = rounds;
      pthread_kill(receiver, SIGUSR1);
      while (handled == sent || rounds == round) std::this_thread::yield();
    }
  });
  int solved = 0;
  for (; handled < 200; ++rounds) solved += problem.solved_by(kernel) ? 1 : 0;
  ++rounds;
  sender.join();
  sigaction(SIGUSR1, &previous, nullptr);
  EXPECT_EQ(solved, rounds - 1);
  EXPECT_EQ(handled_right, handled);
}
TEST_F(EmulatedCpuTest, SignalsBetweenInstructions) { expect_right_under_signals(0); }
TEST_F(EmulatedCpuTest, SignalsOnTheSameStack) { expect_right_under_signals(SA_ONSTACK); }

TEST_F(EmulatedCpuTest, KeepsErrnoAndRedZone) {
  const EmulatedCpu cpu;
  Registers before;
  before.general[kRax] = 0x123456789abcdef0u;
  errno = ERANGE;
  const Registers after = run_on_cpu(
      [](Code& c) {
        c.mov(ptr[rsp - 128], rax);
        c.mov(ptr[rsp - 8], rax);
        c.vaddph(zmm1, zmm2, zmm3);
        c.mov(rbx, ptr[rsp - 128]);
        c.mov(rcx, ptr[rsp - 8]);
      },
      before);
  EXPECT_EQ(errno, ERANGE);
  EXPECT_EQ(after.general[kRbx], before.general[kRax]);
  EXPECT_EQ(after.general[kRcx], before.general[kRax]);
}

// Three halves lie before a page that is not there; lanes behind them are masked out.
TEST_F(EmulatedCpuTest, MaskedLanesDoNotFault) {
  const tests::GuardedBuffer memory(6, 1);
  for (int i = 0; i < 3; ++i) memory.as<Half>()[i] = 0x3c00;
  Registers before;
  before.general[kRcx] = reinterpret_cast<std::uint64_t>(memory.as());
  before.mask[1] = 0b101;
  const Registers after = run([](Code& c) { c.vaddph(zmm1 | k1 | T_z, zmm2, ptr[rcx]); }, before);
  EXPECT_EQ(lane<Half>(after.vector[1], 0), 0x3c00);
  EXPECT_EQ(lane<Half>(after.vector[1], 1), 0);
  EXPECT_EQ(lane<Half>(after.vector[1], 2), 0x3c00);
}

TEST_F(EmulatedCpuTest, RestoresTheHandlerBefore) {
  struct sigaction mine = {}, found = {}, previous = {};
  mine.sa_handler = on_user_signal;
  ASSERT_EQ(sigaction(SIGILL, &mine, &previous), 0);
  { const EmulatedCpu cpu; }
  ASSERT_EQ(sigaction(SIGILL, &previous, &found), 0);
  EXPECT_EQ(found.sa_handler, mine.sa_handler);
}

// What is not emulated names itself, and SIGILL does what it does by default.
void run_in_emulation(const Emit& emit) {
  const EmulatedCpu cpu;
  run_on_cpu(emit, Registers());
}
class EmulatedCpuDeathTest : public EmulatedCpuTest {};
TEST_F(EmulatedCpuDeathTest, UnknownInstructions) {
  if (emulated_) {
    EXPECT_EXIT(run_in_emulation([](Code& c) { c.vfmulcph(zmm1, zmm2, zmm3); }),
                testing::KilledBySignal(SIGILL),
                "^burin emulator: vfmulcph: this instruction is not emulated "
                "\\(at 0x[0-9a-f]+, bytes 62 f6 6e 48 d6 cb\\)\n$");
  }
  EXPECT_EXIT(run_in_emulation([](Code& c) { c.ud2(); }), testing::KilledBySignal(SIGILL),
              "ud2: this instruction is not");
  EXPECT_EXIT(run_in_emulation([](Code& c) { c.db(0x06); }), testing::KilledBySignal(SIGILL),
              "no known instruction \\(at 0x[0-9a-f]+, bytes 06");
}
TEST_F(EmulatedCpuDeathTest, SentSignals) {
  const auto send = [] {
    const EmulatedCpu cpu;
    std::raise(SIGILL);
  };
  EXPECT_EXIT(send(), testing::KilledBySignal(SIGILL), "SIGILL sent by a process");
}

}  // namespace
}  // namespace burin::emulation
