#include "tests/kernels/manifest_problems.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include "jit/error.hpp"
#include "templates/manifest/manifest.hpp"
#include "tests/kernels/attention_problem.hpp"
#include "tests/kernels/embed_check.hpp"
#include "tests/kernels/gemm_problem.hpp"
#include "tests/kernels/heads_problem.hpp"
#include "tests/kernels/latent_problem.hpp"
#include "tests/kernels/prepare_problem.hpp"
#include "tests/kernels/rope_kv_problem.hpp"
#include "tests/kernels/route_check.hpp"
#include "tests/kernels/rowwise_check.hpp"

namespace burin::tests {
namespace {

using namespace kernels;

// One, around 32 and 64, tails of groups, several superblocks.
constexpr std::int64_t kInputs[] = {1, 31, 32, 33, 64, 100, 172, 257, 300, 520, 1030};
constexpr std::int64_t kColumns[] = {1, 31, 32, 33, 65, 96, 130};
constexpr std::int64_t kRows[] = {1, 2, 3, 4, 5, 6, 7, 8, 13};
constexpr std::pair<int, int> kHeads[] = {{4, 2}, {6, 3}, {8, 2}, {6, 2}};
constexpr int kHeadSizes[] = {2, 8, 20, 32, 48, 64, 80, 128, 130};

template <typename Value, std::size_t Count>
Value one_of(const Value (&values)[Count], RandomValues& random) {
  return values[static_cast<std::size_t>(random.below(Count))];
}

KernelShape draw(RandomValues& random) {
  KernelShape shape;
  shape.inputs = one_of(kInputs, random);
  shape.columns = one_of(kColumns, random);
  const std::pair<int, int> heads = one_of(kHeads, random);
  shape.query_heads = heads.first;
  shape.kv_heads = heads.second;
  shape.head_size = one_of(kHeadSizes, random);
  return shape;
}

// Sums of rotated heads are compared without regard to how many products they are of.
void limit_inputs(const KernelSpec& spec, KernelShape& shape) {
  const auto* gemm = std::get_if<GemmSpec>(&spec);
  if (gemm != nullptr && gemm->epilogue == GemmEpilogue::rope_kv)
    shape.inputs = std::min<std::int64_t>(shape.inputs, 40);
}

// Whether an output is a number exactly if its sum is one.
bool passes_on_what_is_not_finite(const GemmSpec& spec) {
  return spec.function == ActivationFunction::none && !halves_columns(spec.epilogue);
}

// In half of the cases, one row is of zeros, of denormals, or has an infinity.
void check_with_special_row(const GemmSpec& spec, std::int64_t rows, RandomValues& random,
                            const jit::Target& target) {
  GemmProblem problem(spec, spec.columns - random.below(32), rows);
  const std::int64_t row = random.below(rows);
  switch (random.below(6)) {
    case 0: problem.set_row(row, 0); break;
    case 1: problem.set_row(row, 1e-40f); break;
    case 2:
      if (!passes_on_what_is_not_finite(spec)) break;
      problem.set_input(row, random.below(spec.inputs), -std::numeric_limits<float>::infinity());
      return problem.check_spoilt(row, target);
    default: break;
  }
  problem.check(target);
}

void check(const GemmSpec& spec, RandomValues& random, const jit::Target& target) {
  const std::int64_t rows = spec.regime == GemmRegime::stream ? 1 : one_of(kRows, random);
  if (spec.epilogue == GemmEpilogue::rope_kv)
    RopeKvProblem(spec, rows, random.below(130)).check(target);
  else
    check_with_special_row(spec, rows, random, target);
}

void check(const PrepareSpec& spec, RandomValues& random, const jit::Target& target) {
  PrepareProblem problem(spec, one_of(kRows, random),
                         [&](std::int64_t, std::int64_t) { return 3 * random.value(); });
  problem.run(target);
  problem.check();
}

void check(const EmbedSpec& spec, RandomValues& random, const jit::Target& target) {
  std::vector<std::int32_t> tokens;
  for (std::int64_t row = one_of(kRows, random); row > 0; --row)
    tokens.push_back(static_cast<std::int32_t>(random.below(kEmbedVocabulary)));
  check_embed(spec.weights, spec.scaled, spec.width, tokens, target);
}

void check(const AttentionSpec& spec, RandomValues& random, const jit::Target& target) {
  const std::int64_t position = random.below(700);
  const int kv_head = static_cast<int>(random.below(spec.heads.kv_heads));
  const std::int64_t rows = 1 + random.below(attention_rows_per_call(spec));
  AttentionProblem(spec, position, rows).check(target, kv_head);
  if (!spec.parts) return;
  const AttentionProblem one(spec, position, 1);
  one.compare(target, kv_head, one.run_parts(target, kv_head, 256));
}

void check(HeadsSpec spec, RandomValues& random, const jit::Target& target) {
  spec.input_stride += random.below(7);
  spec.output_stride += random.below(7);
  HeadsProblem(spec, 1 + random.below(5), random.below(130)).check(target);
}

void check(LatentSpec spec, RandomValues& random, const jit::Target& target) {
  spec.input_stride += random.below(7);
  spec.output_stride += random.below(7);
  LatentProblem(spec, 1 + random.below(5), random.below(130))
      .check(target, static_cast<int>(1 + random.below(4)));
}

void check(RowwiseSpec spec, RandomValues& random, const jit::Target& target) {
  spec.input_stride += random.below(7);
  spec.other_stride += random.below(7);
  spec.output_stride += 1 + random.below(7);
  check_rowwise(spec, target);
}

void check(const RouteSpec& spec, RandomValues& random, const jit::Target& target) {
  std::vector<std::vector<float>> logits;
  for (std::int64_t row = one_of(kRows, random); row > 0; --row)
    logits.push_back(random.values(static_cast<std::size_t>(spec.experts), 8));
  check_route(spec, logits, target);
}

}  // namespace

KernelSpec drawn_shape(const KernelSpec& spec, RandomValues& random, const jit::Target& target) {
  constexpr int kTries = 50;  // layer norms want whole blocks: a few of the head sizes
  for (int attempt = 0;; ++attempt) {
    KernelShape shape = draw(random);
    limit_inputs(spec, shape);
    const KernelSpec shaped = with_shape(spec, shape);
    try {
      emit_kernel(shaped, target);
      return shaped;
    } catch (const Error&) {
      if (attempt == kTries) throw;
    }
  }
}

void check_kernel(const KernelSpec& spec, RandomValues& random, const jit::Target& target) {
  std::visit([&](const auto& s) { check(s, random, target); }, spec);
}

}  // namespace burin::tests
