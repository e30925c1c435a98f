// Unwind programs, proved by running kernels one instruction at a time: from each of them the caller is found, with the
// registers it had.
#include "jit/unwind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <map>
#include <stdexcept>
#include <utility>

#include "jit/assembler.hpp"
#include "jit/executable_memory.hpp"
#include "runtime/executor.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/plan_kernels.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/temporary_folder.hpp"

extern "C" void __register_frame(void*);
extern "C" void __deregister_frame(void*);

namespace burin::jit {
namespace {

constexpr std::uint64_t kTrapFlag = 0x100;

// Tells this program's unwinder about code; mapped, as kernels are, so that 32 bits reach from one to the other.
class RegisteredFrame {
 public:
  RegisteredFrame(const void* code, const CodeImage& image) {
    const UnwoundCode unwound = {image.code_size, image.unwind};
    EhFrame frame = eh_frame({&unwound, 1});
    frame.bytes.resize(frame.bytes.size() + 4);  // the end
    base_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base_ == MAP_FAILED || frame.bytes.size() > kBytes)
      throw std::runtime_error("no memory for unwinding");
    const std::size_t place = frame.places.at(0);
    const std::int64_t distance = static_cast<const char*>(code) - (static_cast<const char*>(base_) + place);
    const auto field = static_cast<std::int32_t>(distance);
    if (field != distance) throw std::runtime_error("code too far away");
    std::memcpy(frame.bytes.data() + place, &field, sizeof field);
    std::memcpy(base_, frame.bytes.data(), frame.bytes.size());
    __register_frame(base_);
  }
  ~RegisteredFrame() {
    __deregister_frame(base_);
    munmap(base_, kBytes);
  }
  RegisteredFrame(const RegisteredFrame&) = delete;

 private:
  static constexpr std::size_t kBytes = 4096;
  void* base_;
};

// What the handler works with.
struct Watch {
  std::uintptr_t code = 0;
  std::size_t bytes = 0;
  int steps = 0;  // instructions of the kernel
  int right = 0;  // of which the caller was found
};
volatile std::uintptr_t interrupted = 0;
Watch watch;

struct Walk {
  bool in_kernel = false;
  bool right = false;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* data) {
  Walk& walk = *static_cast<Walk*>(data);
  if (walk.in_kernel) {
    // The kernel's caller: tests::call_with_marks(), or whatever it was inlined into.
    walk.right = _Unwind_GetGR(context, 3) == 0x1111 && _Unwind_GetGR(context, 6) == 0x2222 &&
                 _Unwind_GetGR(context, 12) == 0x3333 && _Unwind_GetGR(context, 13) == 0x4444 &&
                 _Unwind_GetGR(context, 14) == 0x5555 && _Unwind_GetGR(context, 15) == 0x6666 &&
                 _Unwind_GetIP(context) - watch.code >= watch.bytes;
    return _URC_END_OF_STACK;
  }
  walk.in_kernel = _Unwind_GetIP(context) == interrupted;
  return _URC_NO_REASON;
}

void on_trap(int, siginfo_t*, void* data) {
  auto* const state = static_cast<ucontext_t*>(data);
  const auto at = static_cast<std::uintptr_t>(state->uc_mcontext.gregs[REG_RIP]);
  if (at - watch.code >= watch.bytes) return;
  interrupted = at;
  Walk walk;
  _Unwind_Backtrace(visit, &walk);
  ++watch.steps;
  if (walk.right) ++watch.right;
}

// The flag stays set until it is cleared: every instruction in between traps.
void set_trap_flag(bool on) {
  std::uint64_t flags = 0;
  __asm__ volatile("lea -128(%%rsp), %%rsp\n pushfq\n pop %0\n lea 128(%%rsp), %%rsp"
                   : "=r"(flags)::"memory");
  flags = on ? flags | kTrapFlag : flags & ~kTrapFlag;
  __asm__ volatile("lea -128(%%rsp), %%rsp\n push %0\n popfq\n lea 128(%%rsp), %%rsp" ::"r"(flags)
                   : "memory", "cc");
}

class Unwind : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "skipped: the thread sanitizer has signals wait";
#endif
  }
  Unwind() {
    struct sigaction action = {};
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGTRAP, &action, &previous_);
  }
  ~Unwind() override { sigaction(SIGTRAP, &previous_, nullptr); }

  static void expect_callers(const CodeImage& image, const void* arguments) {
    const ExecutableMemory memory(image.bytes);
    const RegisteredFrame frame(memory.entry(), image);
    watch = {reinterpret_cast<std::uintptr_t>(memory.entry()), image.bytes.size()};
    set_trap_flag(true);
    tests::call_with_marks(memory.entry(), arguments);
    set_trap_flag(false);
    EXPECT_GT(watch.steps, 10) << image.name;
    EXPECT_EQ(watch.right, watch.steps) << image.name;
  }

 private:
  struct sigaction previous_ = {};
};

CodeImage one_frame() {
  Assembler a(parse_target("avx2"));
  a.begin_frame(200);
  for (const auto& reg : {a.rbx, a.r12, a.r13, a.r14, a.r15}) a.mov(reg, 77);
  a.end_frame();
  return a.finish("one frame");
}

// Two ways out, and rbp put to other use in between.
CodeImage lent_register() {
  Assembler a(parse_target("avx2"));
  Xbyak::Label early;
  a.begin_frame(320);
  a.lend_rbp(264);
  a.mov(a.rbp, 12345);
  a.mov(a.qword[a.rsp + 16], a.rbp);
  a.reclaim_rbp();
  a.cmp(a.dword[a.rdi], 0);
  a.je(early, Xbyak::CodeGenerator::T_NEAR);
  a.end_frame();
  a.L(early);
  a.mov(a.rbx, 1);
  a.end_frame();
  return a.finish("lent register");
}

TEST_F(Unwind, CallersAreFoundFromEveryInstruction) {
  const int zero = 0;
  const int one = 1;
  expect_callers(one_frame(), &zero);
  expect_callers(lent_register(), &zero);
  expect_callers(lent_register(), &one);
}

// That the handler would notice: rbx and r12 taken for each other.
TEST_F(Unwind, WrongProgramsAreNoticed) {
  CodeImage image = one_frame();
  const std::vector<std::uint8_t> saved = {0x83, 3, 0x8c, 4};
  const auto at = std::search(image.unwind.begin(), image.unwind.end(), saved.begin(), saved.end());
  ASSERT_NE(at, image.unwind.end());
  std::swap(at[1], at[3]);
  const ExecutableMemory memory(image.bytes);
  const RegisteredFrame frame(memory.entry(), image);
  watch = {reinterpret_cast<std::uintptr_t>(memory.entry()), image.bytes.size()};
  const int zero = 0;
  set_trap_flag(true);
  tests::call_with_marks(memory.entry(), &zero);
  set_trap_flag(false);
  EXPECT_GT(watch.steps, 10);
  EXPECT_LT(watch.right, watch.steps);
}

// Kernels of a whole model, called by its executor through functions that watch them.
struct WatchedKernel {
  explicit WatchedKernel(CodeImage emitted)
      : image(std::move(emitted)), memory(image.bytes), frame(memory.entry(), image) {}

  CodeImage image;
  ExecutableMemory memory;
  RegisteredFrame frame;
  int steps = 0;
};
constexpr std::size_t kMostKernels = 32;
std::vector<std::unique_ptr<WatchedKernel>> kernels_of_model;

template <std::size_t Index>
void watched(const void* arguments) {
  WatchedKernel& kernel = *kernels_of_model[Index];
  watch = {reinterpret_cast<std::uintptr_t>(kernel.memory.entry()), kernel.image.bytes.size()};
  set_trap_flag(true);
  tests::call_with_marks(kernel.memory.entry(), arguments);
  set_trap_flag(false);
  EXPECT_EQ(watch.right, watch.steps) << kernel.image.name;
  kernel.steps += watch.steps;
}

template <std::size_t... Indices>
constexpr std::array<KernelEntry, sizeof...(Indices)> all_watched(std::index_sequence<Indices...>) {
  return {watched<Indices>...};
}
constexpr auto kWatched = all_watched(std::make_index_sequence<kMostKernels>());

TEST_F(Unwind, CallersAreFoundFromTheKernelsOfAModel) {
  using namespace runtime;
  const tests::TemporaryFolder folder;
  const auto file = ModelFile::open(folder.write("tiny.gguf", tests::tiny_gguf().bytes()));
  const graph::Plan plan = graph::make_plan(file->description(), parse_target("avx2"), {});
  ThreadPool pool(1);
  const Weights weights = pack_weights(plan, *file, pool, nullptr);
  KernelStore store;
  BoundPlan bound = bind(plan, weights, store);
  const std::vector<const graph::Step*> steps = kernel_steps(plan);
  ASSERT_LE(steps.size(), kMostKernels);
  std::map<KernelEntry, KernelEntry> replaced;
  kernels_of_model.clear();
  for (const graph::Step* step : steps) {
    replaced[resolve_kernel(plan, *step, store)] = kWatched[kernels_of_model.size()];
    kernels_of_model.push_back(std::make_unique<WatchedKernel>(graph::emit_kernel(step->spec, plan.target)));
  }
  for (auto* program : {&bound.decode, &bound.prefill, &bound.head_one, &bound.head_many})
    for (BoundStep& step : *program)
      if (step.entry != nullptr) step.entry = replaced.at(step.entry);

  Workspace workspace(plan, 1, 0);
  const std::vector<std::int32_t> tokens = {1, 7, 3};
  std::copy(tokens.begin(), tokens.end(), workspace.tokens.begin());
  workspace.kv.make_room(0, 4);
  workspace.kv.show(0, 3, 0);
  workspace.add_sequence({&workspace.kv, 0, 3, 0});
  run_program(plan, bound.prefill, workspace, pool, {0, 3});
  run_program(plan, bound.head_many, workspace, pool, {0, 3});
  workspace.kv.show(3, 1, 0);
  workspace.clear_sequences();
  workspace.add_sequence({&workspace.kv, 0, 1, 3});
  run_program(plan, bound.decode, workspace, pool, {0, 1});
  run_program(plan, bound.head_one, workspace, pool, {0, 1});
  for (const std::unique_ptr<WatchedKernel>& kernel : kernels_of_model)
    EXPECT_GT(kernel->steps, 10) << kernel->image.name;
  kernels_of_model.clear();
}

TEST(UnwindProgram, LentRegistersAreFoundAboveTheStackPointer) {
  UnwindProgram program;
  program.lend_rbp(1, 24);
  program.reclaim_rbp(2);
  program.lend_rbp(3, 264);
  EXPECT_THAT(program.bytes(), testing::ElementsAre(0x41, 0x0f, 5, 0x77, 24, 0x06, 0x23, 16,  //
                                                    0x41, 0x0c, 6, 16,                        //
                                                    0x41, 0x0f, 6, 0x77, 0x88, 2, 0x06, 0x23, 16));
}

TEST(UnwindProgram, IsThatOfTheStandard) {
  UnwindProgram program;
  program.enter(1, 4, 13);
  program.leave(300, 301);
  EXPECT_THAT(program.bytes(),
              testing::ElementsAre(0x41, 0x0e, 16, 0x86, 2,                            // push rbp
                                   0x43, 0x0d, 6,                                      // mov rbp, rsp
                                   0x49, 0x83, 3, 0x8c, 4, 0x8d, 5, 0x8e, 6, 0x8f, 7,  // rbx, r12-r15
                                   0x04, 31, 1, 0, 0, 0x0a, 0x0c, 7, 8, 0x41, 0x0b));  // pop rbp, ret
}

}  // namespace
}  // namespace burin::jit
