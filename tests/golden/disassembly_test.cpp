// The machine code of kernels from the manifest, at small sizes, as text: a change in code generation shows in review.
// BURIN_BLESS=1 golden_test writes all files anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "jit/disassembler.hpp"
#include "jit/error.hpp"
#include "templates/manifest/manifest.hpp"
#include "tests/golden/hot_loop.hpp"
#include "tests/support/golden_file.hpp"

namespace burin::kernels {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = BURIN_SOURCE_DIR "/tests/golden/disassembly";
// AVX2 only; AVX-VNNI; AVX-512 with VNNI and BF16, by AMD; with all that Intel has.
constexpr std::string_view kTargets[] = {"haswell", "alderlake", "znver5", "sapphirerapids"};

struct GoldenKernel {
  std::string_view row;  // of the manifest
  std::set<std::string_view> targets;
};

const std::set<std::string_view> kAll(std::begin(kTargets), std::end(kTargets));
const std::set<std::string_view> kNarrowAndWide = {"haswell", "znver5"};

// Decoding with one format of each kind of unpacking, prefill, and the other kinds. Where instruction sets make no
// difference, two of them are enough.
const GoldenKernel kKernels[] = {
    {"gemm/int4s.g32.f16/s8/stream/store", kAll},
    {"gemm/int4s.g32.f16/s8/tiles/store", kAll},
    {"gemm/int4s.g128.f16/s8/stream/store", {"znver5"}},
    {"gemm/int4s.g128.f16/s8/tiles/store", {"znver5"}},
    {"gemm/int4s.g32.f16/s8row/tiles/store", {"znver5", "sapphirerapids"}},
    {"gemm/int4s.g32.f16/bf16/tiles/store", {"znver5", "sapphirerapids"}},
    {"gemm/int8s.g32.f16/s8/stream/store", kNarrowAndWide},
    {"gemm/int8s.g32.f16/s8/tiles/store", {"znver5", "sapphirerapids"}},
    {"gemm/int3s.g32.f16/s8/stream/store", {"znver5"}},
    {"gemm/int5a.g32.two/s8/stream/store", kNarrowAndWide},
    {"gemm/iq4nl.g32.f16/s8/stream/store", kNarrowAndWide},
    {"gemm/nf4.g64.f32/f32/stream/store", {"znver5"}},
    {"gemm/bf16/f32/stream/store", kNarrowAndWide},
    {"gemm/bf16/f32/tiles/store", kNarrowAndWide},
    {"attention/gqa/f32/f32/plain", {"haswell"}},
    {"attention/gqa/bf16/bf16/plain", {"znver5", "sapphirerapids"}},
    {"attention/gqa/bf16/amx/plain", {"sapphirerapids"}},
    {"attention/gqa/int8/int8/plain", {"znver5"}},
    {"attention/gqa/int8/int16/plain", {"haswell"}},
    {"heads/bf16/rms/head", {"znver5"}},
    {"prepare/int4s.g32.f16/s8/rms", kNarrowAndWide},
    {"rowwise/activate/silu", kNarrowAndWide},
    {"embed/int4s.g32.f16", {"znver5"}},
};

// Longer kernels are kept in part: nobody reads all tiles of a prefill.
constexpr std::ptrdiff_t kMostLines = 420;

std::string kept_text(const jit::CodeImage& image) {
  const std::string text = disassemble(image, jit::Offsets::left_out);
  const bool is_long = std::count(text.begin(), text.end(), '\n') > kMostLines;
  return fmt::format("{}\n\n{}", image.name, is_long ? tests::hot_loop(text) : text);
}

// Loops and unrolled bodies are those of large sizes.
constexpr KernelShape kShape = {64, 64, 2, 1, 32};

const ManifestRow& row_named(const std::vector<ManifestRow>& rows, std::string_view name) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.name == name; });
  if (found == rows.end()) throw Error(fmt::format("the manifest has no row {}", name));
  return *found;
}

// "gemm/bf16/f32" becomes "gemm-bf16-f32.znver5.txt".
fs::path file_of(std::string_view row, std::string_view target) {
  std::string name(row);
  std::replace(name.begin(), name.end(), '/', '-');
  return fmt::format("{}.{}.txt", name, target);
}

TEST(GoldenDisassembly, KernelsHaveTheirCode) {
  const std::vector<ManifestRow> rows = manifest();
  std::set<fs::path> files;
  for (const GoldenKernel& golden : kKernels)
    for (const std::string_view target : golden.targets) {
      const KernelSpec spec = with_shape(parse_kernel_name(row_named(rows, golden.row).kernel), kShape);
      const jit::CodeImage image = emit_kernel(spec, jit::parse_target(target).with_roles());
      const fs::path file = file_of(golden.row, target);
      EXPECT_TRUE(files.insert(file).second) << file;
      tests::expect_golden(kFolder / file, kept_text(image), "build/release/bin/golden_test");
    }
  for (const auto& entry : fs::directory_iterator(kFolder))
    EXPECT_TRUE(files.contains(entry.path().filename())) << entry.path() << " is no kernel's";
}

}  // namespace
}  // namespace burin::kernels
