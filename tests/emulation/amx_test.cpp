// AMX tiles: configuration, loads and stores, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <cstring>
#include <thread>

#include "jit/target.hpp"
#include "tests/emulation/emulator.hpp"
#include "tests/emulation/instruction_run.hpp"
#include "tests/emulation/tile_config.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace burin::emulation {
namespace {

using tests::GuardedBuffer;
using Xbyak::util::ptr;
using Xbyak::util::r8;
using Xbyak::util::r9;
using Xbyak::util::rax;
using Xbyak::util::rcx;
using Xbyak::util::rdx;

std::uint64_t address(const void* of) { return reinterpret_cast<std::uint64_t>(of); }

// rax: configuration, rcx: input, rdx: output, r8: stride.
Registers arguments(const TileConfig& config, const void* input, void* output, std::int64_t stride) {
  Registers before;
  before.general[kRax] = address(&config);
  before.general[kRcx] = address(input);
  before.general[kRdx] = address(output);
  before.general[kR8] = static_cast<std::uint64_t>(stride);
  return before;
}

void fill(GuardedBuffer& buffer) {
  for (std::size_t i = 0; i < buffer.size(); ++i)
    buffer.as<std::uint8_t>()[i] = static_cast<std::uint8_t>(i * 7 + 1);
}

TEST(AmxTiles, LoadsAndStoresTouchRowsOnly) {
  // 3 rows of 20 bytes, 100 bytes apart; the last byte is the last of the page.
  GuardedBuffer input(220, 4), output(220, 4);
  fill(input);
  const TileConfig config = TileConfig().tile(5, 3, 20);
  const Registers before = arguments(config, input.as(), output.as(), 100);
  const Registers after = run(
      [](Xbyak::CodeGenerator& code) {
        code.ldtilecfg(ptr[rax]);
        code.tileloadd(tmm5, ptr[rcx + r8]);
        code.tilestored(ptr[rdx + r8], tmm5);
        code.tilerelease();
      },
      before);
  EXPECT_EQ(after, before);
  for (std::size_t i = 0; i < 220; ++i)
    EXPECT_EQ(output.as<std::uint8_t>()[i], i % 100 < 20 ? input.as<std::uint8_t>()[i] : 0) << i;
}

TEST(AmxTiles, AddressesOfRows) {
  std::uint8_t input[4][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}, {13, 14, 15, 16}};
  std::uint8_t output[3][4][4] = {};
  const TileConfig config = TileConfig().tile(1, 4, 4);
  Registers before = arguments(config, input, output, 1);
  before.general[kR9] = static_cast<std::uint64_t>(-4);
  run(
      [](Xbyak::CodeGenerator& code) {
        code.ldtilecfg(ptr[rax]);
        code.tileloadd(tmm1, ptr[rcx + r8 * 4]);
        code.tilestored(ptr[rdx + r8 * 4], tmm1);
        code.tileloaddt1(tmm1, ptr[rcx + r9 + 12]);
        code.tilestored(ptr[rdx + r8 * 4 + 16], tmm1);
        // tileloadd tmm1, [rcx + 4] without an index: all rows are the same.
        for (const int byte : {0xc4, 0xe2, 0x7b, 0x4b, 0x4c, 0x21, 0x04}) code.db(byte);
        code.tilestored(ptr[rdx + r8 * 4 + 32], tmm1);
        code.tilerelease();
      },
      before);
  for (int row = 0; row < 4; ++row) {
    EXPECT_EQ(std::memcmp(output[0][row], input[row], 4), 0);
    EXPECT_EQ(std::memcmp(output[1][row], input[3 - row], 4), 0);
    EXPECT_EQ(std::memcmp(output[2][row], input[1], 4), 0);
  }
}

TEST(AmxTiles, ZeroClearsOneTile) {
  std::uint8_t input[2][8] = {{1, 2, 3, 4, 5, 6, 7, 8}, {9, 10, 11, 12, 13, 14, 15, 16}};
  std::uint8_t output[2][2][8];
  std::memset(output, 0xee, sizeof(output));
  const TileConfig config = TileConfig().tile(0, 2, 8).tile(7, 2, 8);
  run(
      [](Xbyak::CodeGenerator& code) {
        code.ldtilecfg(ptr[rax]);
        code.tileloadd(tmm0, ptr[rcx + r8]);
        code.tileloadd(tmm7, ptr[rcx + r8]);
        code.tilezero(tmm7);
        code.tilestored(ptr[rdx + r8], tmm0);
        code.tilestored(ptr[rdx + r8 + 16], tmm7);
        code.tilerelease();
      },
      arguments(config, input, output, 8));
  EXPECT_EQ(std::memcmp(output[0], input, 16), 0);
  for (const auto& row : output[1])
    EXPECT_TRUE(std::all_of(row, row + 8, [](std::uint8_t b) { return b == 0; }));
}

TEST(AmxTiles, ConfigurationIsStoredAndClearsTiles) {
  std::uint8_t input[16] = {1, 2, 3, 4};
  struct {
    TileConfig before, after, released;
    std::uint8_t tile[64];
  } output;
  std::memset(static_cast<void*>(&output), 0xee, sizeof(output));
  const TileConfig config = TileConfig().tile(0, 16, 64).tile(3, 1, 16);
  run(
      [](Xbyak::CodeGenerator& code) {
        code.tilerelease();
        code.sttilecfg(ptr[rdx]);
        code.ldtilecfg(ptr[rax]);
        code.tileloadd(tmm3, ptr[rcx + r8]);
        code.ldtilecfg(ptr[rax]);
        code.tilestored(ptr[rdx + r8 + 192], tmm3);
        code.sttilecfg(ptr[rdx + 64]);
        code.tilerelease();
        code.sttilecfg(ptr[rdx + r8 * 2 + 128]);
      },
      arguments(config, input, &output, 0));
  EXPECT_EQ(output.before, TileConfig(0));
  EXPECT_EQ(output.after, config);
  EXPECT_EQ(output.released, TileConfig(0));
  for (int i = 0; i < 64; ++i) EXPECT_EQ(output.tile[i], i < 16 ? 0 : 0xee) << i;
}

TEST(AmxTiles, LoadResumesAtStartRow) {
  std::uint8_t input[3][4] = {{1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}};
  std::uint8_t output[3][4] = {};
  TileConfig config = TileConfig().tile(2, 3, 4);
  config.bytes[1] = 2;
  run(
      [](Xbyak::CodeGenerator& code) {
        code.ldtilecfg(ptr[rax]);
        code.tileloadd(tmm2, ptr[rcx + r8]);
        code.tilestored(ptr[rdx + r8], tmm2);
        code.tilerelease();
      },
      arguments(config, input, output, 4));
  EXPECT_EQ(output[0][0], 0);
  EXPECT_EQ(output[1][0], 0);
  EXPECT_EQ(output[2][0], 3);
}

TEST(AmxTiles, ThreadsHaveTheirOwn) {
  const EmulatedCpu cpu;
  const auto run_one = jit::host_target().has(jit::Feature::avx512) ? run_on_cpu : run_emulated;
  std::barrier<> together(2);
  const auto emit_load = [](Xbyak::CodeGenerator& code) {
    code.ldtilecfg(ptr[rax]);
    code.tileloadd(tmm0, ptr[rcx + r8]);
  };
  const auto emit_store = [](Xbyak::CodeGenerator& code) {
    code.tilestored(ptr[rdx + r8], tmm0);
    code.sttilecfg(ptr[rdx + 256]);
    code.tilerelease();
  };
  const auto work = [&](int rows, std::uint8_t value) {
    const AlternativeStack stack;
    for (int round = 0; round < 20; ++round) {
      std::uint8_t input[256], output[320] = {};
      std::memset(input, value, sizeof(input));
      const TileConfig config = TileConfig().tile(0, rows, 16);
      const Registers before = arguments(config, input, output, 16);
      run_one(emit_load, before);
      together.arrive_and_wait();
      run_one(emit_store, before);
      EXPECT_EQ(std::memcmp(output + 256, config.bytes, 64), 0);
      for (int i = 0; i < 256; ++i) EXPECT_EQ(output[i], i < rows * 16 ? value : 0) << i;
    }
  };
  std::thread other([&] { work(3, 0x33); });
  work(16, 0x77);
  other.join();
}

// What the processor answers with #UD or #GP ends the process, with the reason.
class AmxDeathTest : public testing::Test {
 protected:
  void expect_refusal(const TileConfig& config, const Emit& emit, const char* reason) {
    std::uint8_t memory[2048] = {};
    const auto all = [&](Xbyak::CodeGenerator& code) {
      code.ldtilecfg(ptr[rax]);
      if (emit) emit(code);
    };
    EXPECT_DEATH(run_emulated(all, arguments(config, memory, memory + 1024, 64)), reason);
  }
};

TEST_F(AmxDeathTest, BadConfigurations) {
  expect_refusal(TileConfig(2), nullptr, "ldtilecfg: #GP: no palette beyond 1 .*bytes c4 e2 78 49 00");
  expect_refusal(TileConfig().tile(0, 17, 64), nullptr, "#GP.*16 rows");
  expect_refusal(TileConfig().tile(7, 1, 65), nullptr, "#GP.*64 bytes");
  expect_refusal(TileConfig().tile(7, 1, 0), nullptr, "#GP.*rows without bytes");
  expect_refusal(TileConfig().tile(7, 0, 4), nullptr, "#GP.*rows without bytes");
  for (const int reserved : {2, 15, 32, 47, 56, 63}) {
    TileConfig config;
    config.bytes[reserved] = 1;
    expect_refusal(config, nullptr, "#GP.*reserved");
  }
}

TEST_F(AmxDeathTest, BadTiles) {
  const auto product = [](Xbyak::CodeGenerator& code) { code.tdpbssd(tmm0, tmm1, tmm2); };
  const auto refuse = [&](int m, int row_bytes_a, int rows_b, int n, const char* reason) {
    expect_refusal(TileConfig().tile(0, 4, 32).tile(1, m, row_bytes_a).tile(2, rows_b, n), product, reason);
  };
  refuse(5, 16, 4, 32, "tdpbssd: #UD: first source and destination differ in rows");
  refuse(4, 16, 4, 28, "#UD: second source and destination differ in columns");
  refuse(4, 16, 5, 32, "#UD: columns of the first source are not rows of the second");
  refuse(4, 18, 4, 32, "#UD: rows that are not whole dwords");
  expect_refusal(
      TileConfig(0), [](Xbyak::CodeGenerator& code) { code.tilezero(tmm0); }, "tiles are not configured");
  expect_refusal(TileConfig().tile(0, 1, 4), product, "#UD: a tile that the configuration leaves out");
  expect_refusal(
      TileConfig().tile(0, 1, 4).tile(1, 1, 4),
      [](Xbyak::CodeGenerator& code) { code.tdpbf16ps(tmm0, tmm1, tmm1); },
      "no known instruction .*bytes c4 e2 72 5c c1");
}

}  // namespace
}  // namespace burin::emulation
