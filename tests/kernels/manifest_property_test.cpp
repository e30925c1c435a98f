// A sample of the manifest for every target, at drawn sizes, against the references: natively where this CPU can,
// else under the emulator; and kernels of AMX and AVX512-FP16 under it also where this CPU has both.
// BURIN_MANIFEST_SAMPLES=500 draws as many rows per target, BURIN_MANIFEST_SEED=2 others, BURIN_MANIFEST_SAMPLES=all
// takes every one. A failure prints the line that runs its case alone.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <string_view>

#include "jit/error.hpp"
#include "templates/manifest/manifest.hpp"
#include "tests/emulation/emulator.hpp"
#include "tests/emulation/loaded_kernel.hpp"
#include "tests/kernels/manifest_problems.hpp"
#include "tests/kernels/target_names.hpp"
#include "tests/support/crash_line.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace burin::kernels {
namespace {

constexpr std::int64_t kSamples = 300;

std::int64_t number_from(const char* variable, std::int64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoll(text, nullptr, 10);
}

struct Case {
  std::uint64_t seed;  // of sizes and operands
  const ManifestRow* row;
};

using RowFilter = std::function<bool(const ManifestRow&)>;

RowFilter had_by(const jit::Target& target) {
  return [&](const ManifestRow& row) { return refusal_of(row, target).empty(); };
}
RowFilter of_tiles_or_fp16(const jit::Target& target) {
  return [&](const ManifestRow& row) {
    return refusal_of(row, target).empty() &&
           emulation::has_tiles_or_fp16(emit_kernel(parse_kernel_name(row.kernel), target));
  };
}

// Draws rows of those that a test is about.
class Sample {
 public:
  explicit Sample(RowFilter filter) : is_of_sample_(std::move(filter)) {
    for (const ManifestRow& row : rows_) kinds_[row.name.substr(0, row.name.find('/'))].push_back(&row);
  }

  // What the variables ask for.
  std::vector<Case> cases() const {
    if (const char* wanted = std::getenv("BURIN_MANIFEST_CASE")) return read(wanted);
    const char* samples = std::getenv("BURIN_MANIFEST_SAMPLES");
    if (samples != nullptr && std::string_view(samples) == "all") return all();
    return draw(number_from("BURIN_MANIFEST_SAMPLES", kSamples));
  }

 private:
  using RandomValues = tests::RandomValues;

  // Every other one of a kind that is drawn first, so that kinds of few rows have their turn.
  std::vector<Case> draw(std::int64_t count) const {
    RandomValues random(static_cast<std::uint64_t>(number_from("BURIN_MANIFEST_SEED", 1)));
    std::vector<Case> cases;
    while (static_cast<std::int64_t>(cases.size()) < count) {
      const ManifestRow& row = cases.size() % 2 == 0 ? any_row(random) : row_of_any_kind(random);
      if (is_of_sample_(row)) cases.push_back({random.bits() >> 32, &row});
    }
    return cases;
  }

  std::vector<Case> all() const {
    std::vector<Case> cases;
    for (const ManifestRow& row : rows_)
      if (is_of_sample_(row)) cases.push_back({cases.size(), &row});
    return cases;
  }

  // "SEED ROW"; nothing where the target cannot have the row.
  std::vector<Case> read(const std::string& text) const {
    std::size_t end = 0;
    const std::uint64_t seed = std::stoull(text, &end);
    for (const ManifestRow& row : rows_)
      if (row.name == text.substr(end + 1) && is_of_sample_(row)) return {{seed, &row}};
    return {};
  }

  const ManifestRow& any_row(RandomValues& random) const {
    return rows_[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(rows_.size())))];
  }
  const ManifestRow& row_of_any_kind(RandomValues& random) const {
    const auto kind = std::next(kinds_.begin(), random.below(static_cast<std::int64_t>(kinds_.size())));
    const std::vector<const ManifestRow*>& rows = kind->second;
    return *rows[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(rows.size())))];
  }

  RowFilter is_of_sample_;
  std::vector<ManifestRow> rows_ = manifest();
  std::map<std::string, std::vector<const ManifestRow*>> kinds_;
};

void check_case(const Case& one, const jit::Target& target, const char* suite) {
  const std::string line = fmt::format(
      "reproduce: BURIN_MANIFEST_CASE='{} {}' build/release/bin/kernels_test "
      "--gtest_filter='*{}*{}'",
      one.seed, one.row->name, suite, tests::target_test_name({target.name, 0}));
  SCOPED_TRACE(line);
  const tests::CrashLine crash(line);
  tests::RandomValues random(one.seed);
  const tests::GuardedPlaces places(random.below(2) == 0 ? tests::GuardedPlace::start
                                                         : tests::GuardedPlace::end);
  tests::check_kernel(tests::drawn_shape(parse_kernel_name(one.row->kernel), random, target), random, target);
}

// Rows of a kind that the sample is not of are drawn in vain, so its kinds must have some.
void check_sample(const RowFilter& filter, const jit::Target& target, const char* suite) {
  const Sample sample(filter);
  const std::vector<Case> cases = sample.cases();
  ASSERT_FALSE(cases.empty()) << "no such row for this target";
  for (const Case& one : cases) check_case(one, target, suite);
}

class ManifestSample : public testing::TestWithParam<std::string> {};

TEST_P(ManifestSample, MatchesReference) {
  const jit::Target target = jit::parse_target(GetParam());
  if (!emulation::can_run(target)) GTEST_SKIP() << "skipped: this CPU lacks what cannot be emulated";
  const emulation::EmulatedCpu cpu;
  check_sample(had_by(target), target, "ManifestSample");
}

INSTANTIATE_TEST_SUITE_P(Target, ManifestSample, testing::ValuesIn(tests::target_names()),
                         tests::target_test_name);

class ManifestEmulated : public testing::TestWithParam<std::string> {};

TEST_P(ManifestEmulated, MatchesReference) {
  const jit::Target target = jit::parse_target(GetParam());
  if (!emulation::can_run(target, emulation::Emulate::tiles_and_fp16))
    GTEST_SKIP() << "skipped: this CPU lacks what cannot be emulated";
  const emulation::EmulatedCpu cpu(emulation::Emulate::tiles_and_fp16);
  check_sample(of_tiles_or_fp16(target), target, "ManifestEmulated");
  EXPECT_GT(cpu.total(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Target, ManifestEmulated, testing::Values("sapphirerapids", "graniterapids"),
                         tests::target_test_name);

}  // namespace
}  // namespace burin::kernels
