// What the planner makes of a user's options, and how it settles those left to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <variant>

#include "tests/graph/plan_queries.hpp"
#include "tests/support/error_text.hpp"

namespace burin::graph {
namespace {

using kernels::AttentionSpec;
using kernels::StoredType;
using kernels::WeightFormat;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

kernels::Activation activation_of(const Step& step) {
  return std::get<kernels::GemmSpec>(step.spec).activation;
}

PlanOptions with_compute(ComputeType compute) {
  PlanOptions options;
  options.compute = compute;
  return options;
}

PlanOptions with_types(ComputeType compute, KvType kv) {
  PlanOptions options = with_compute(compute);
  options.kv = kv;
  return options;
}

TEST(PlanOptions, Int8NeedsIntegerWeights) {
  const auto refusal = [](const ModelDescription& model) {
    return tests::error_of([&] { plan_of(model, with_compute(ComputeType::int8)); });
  };
  EXPECT_EQ(refusal(describe(typed(StoredType::q8_0))), "no error");
  EXPECT_THAT(refusal(describe({})),
              AllOf(HasSubstr("--compute int8 needs integer weights"), HasSubstr("--weights")));
  PlanOptions quantised = with_compute(ComputeType::int8);
  quantised.weights = WeightFormat::integer_format(8, true, 32, kernels::ScaleType::f16);
  EXPECT_EQ(activation_of(plan_of(describe({}), quantised).decode[1]), kernels::Activation::s8);
}

// Files that quantise most layers leave some as they are.
TEST(PlanOptions, Int8ComputeOfMixedFilesLeavesFloatsInF32) {
  for (const char* part : {"blk.1.ffn_down", "blk.1.attn_q", "blk.1.attn_v", "blk.1.ffn_up"}) {
    ModelDescription one_float = describe(typed(StoredType::q8_0));
    set_type(one_float, std::string(part) + ".weight", StoredType::bf16);
    const Plan plan = plan_of(one_float, with_compute(ComputeType::int8));
    EXPECT_EQ(plan.options.compute, ComputeType::int8) << part;
    EXPECT_THAT(plan.notes, Contains(AllOf(HasSubstr("--compute int8 multiplies bf16 weights in f32"),
                                           HasSubstr("--weights int8"))));
    for (const Step& step : plan.decode) {
      const auto* gemm = std::get_if<kernels::GemmSpec>(&step.spec);
      if (gemm == nullptr || step.name.find("output") != std::string::npos) continue;
      EXPECT_EQ(gemm->activation,
                gemm->weights.is_integer() ? kernels::Activation::s8 : kernels::Activation::f32)
          << step.name;
    }
  }
}

// One scale per row, for prompts and single rows alike.
TEST(PlanOptions, Int8RowComputeIsOfAllRows) {
  const ModelDescription model = describe(typed(StoredType::q8_0));
  const Plan plan = plan_of(model, with_compute(ComputeType::int8_row));
  for (const Program* program : {&plan.decode, &plan.prefill})
    for (const Step& step : *program)
      if (std::holds_alternative<kernels::GemmSpec>(step.spec)) {
        EXPECT_EQ(activation_of(step), kernels::Activation::s8row) << step.name;
      }
  EXPECT_EQ(plan.options.kv, KvType::bf16);
  EXPECT_THAT(plan.notes, IsEmpty());
  EXPECT_THAT(tests::error_of([&] { plan_of(describe({}), with_compute(ComputeType::int8_row)); }),
              AllOf(HasSubstr("--compute int8-row needs integer weights"), HasSubstr("--compute f32")));
}

TEST(PlanOptions, AutomaticComputeIsInt8ForLargeIntegerModelsOnly) {
  const Plan floats = plan_of(describe({}));
  EXPECT_EQ(floats.options.compute, ComputeType::f32);
  EXPECT_THAT(floats.remarks, IsEmpty());
  MadeLlama made = typed(StoredType::q4_0);
  const Plan small = plan_of(describe(made));
  EXPECT_EQ(small.options.compute, ComputeType::f32);
  EXPECT_THAT(small.remarks, ElementsAre(AllOf(HasSubstr("compute is f32"), HasSubstr("--compute int8"))));
  made.hidden = made.feed_forward = 2048;
  const Plan large = plan_of(describe(made));
  EXPECT_EQ(large.options.compute, ComputeType::int8);
  EXPECT_EQ(activation_of(large.decode[1]), kernels::Activation::s8);  // never s8row
}

std::set<kernels::Activation> activations(const Program& program) {
  std::set<kernels::Activation> all;
  for (const Step& step : program) {
    if (const auto* gemm = std::get_if<kernels::GemmSpec>(&step.spec)) all.insert(gemm->activation);
    if (const auto* prepare = std::get_if<kernels::PrepareSpec>(&step.spec)) all.insert(prepare->activation);
  }
  return all;
}

// On tiles bf16 is faster for prompts, which are not bound by memory; tokens of text after them are.
TEST(PlanOptions, AutomaticComputeMultipliesPromptsInBf16OnAmx) {
  MadeLlama made = typed(StoredType::q4_0);
  made.hidden = made.feed_forward = 2048;
  const Plan plan = make_plan(describe(made), jit::parse_target("sapphirerapids"), {});
  EXPECT_EQ(plan.options.compute, ComputeType::int8_bf16);
  EXPECT_EQ(plan.options.kv, KvType::bf16);
  EXPECT_EQ(activations(plan.decode), std::set{kernels::Activation::s8});
  EXPECT_EQ(activations(plan.prefill), std::set{kernels::Activation::bf16});
}

std::set<kernels::AttentionMath> attention_math(const Program& program) {
  std::set<kernels::AttentionMath> all;
  for (const Step& step : program)
    if (const auto* spec = std::get_if<AttentionSpec>(&step.spec)) all.insert(spec->math);
  return all;
}

// int8 compute gives the same bits for rows that come alone and for those of a prompt: it has no tiles.
TEST(PlanOptions, AttentionOfPromptsIsOnTilesWhereTheirProductsDifferFromThoseOfSingleRows) {
  const ModelDescription model = describe(typed(StoredType::q4_0));
  const auto math_of_prompts = [&](ComputeType compute, KvType kv, const char* target) {
    const Plan plan = plan_of(model, with_types(compute, kv), target);
    for (const Program* program : {&plan.decode, &plan.few})
      EXPECT_FALSE(attention_math(*program).contains(kernels::AttentionMath::amx));
    const std::set<kernels::AttentionMath> math = attention_math(plan.prefill);
    EXPECT_EQ(math.size(), 1u);
    return *math.begin();
  };
  using enum kernels::AttentionMath;
  EXPECT_EQ(math_of_prompts(ComputeType::int8_bf16, KvType::bf16, "sapphirerapids"), amx);
  EXPECT_EQ(math_of_prompts(ComputeType::bf16, KvType::bf16, "sapphirerapids"), amx);
  EXPECT_EQ(math_of_prompts(ComputeType::int8, KvType::bf16, "sapphirerapids"), bf16);
  EXPECT_EQ(math_of_prompts(ComputeType::f32, KvType::bf16, "sapphirerapids"), f32);
  EXPECT_EQ(math_of_prompts(ComputeType::bf16, KvType::int8, "sapphirerapids"), int8);
  EXPECT_EQ(math_of_prompts(ComputeType::bf16, KvType::f32, "sapphirerapids"), f32);
  EXPECT_EQ(math_of_prompts(ComputeType::int8_bf16, KvType::bf16, "znver5"), bf16);
}

TEST(PlanOptions, FewRowsAreComputedLikeSingleOnesWherePromptsAreNot) {
  const ModelDescription model = describe(typed(StoredType::q4_0));
  PlanOptions options = with_compute(ComputeType::int8_bf16);
  const Plan plan = make_plan(model, jit::parse_target("sapphirerapids"), options);
  EXPECT_EQ(activations(plan.few), std::set{kernels::Activation::s8});
  EXPECT_EQ(activations(plan.head_many), std::set{kernels::Activation::s8});
  ASSERT_EQ(plan.few.size(), plan.prefill.size());
  for (std::size_t i = 0; i < plan.few.size(); ++i) {
    EXPECT_EQ(plan.few[i].name, plan.prefill[i].name);
    EXPECT_EQ(plan.few[i].kernel, kernel_name(plan.few[i].spec));
    EXPECT_EQ(plan.few[i].barrier, plan.prefill[i].barrier);
    const auto* prepare = std::get_if<kernels::PrepareSpec>(&plan.few[i].spec);
    if (prepare == nullptr) continue;
    const auto rows = [&](kernels::Activation type) {
      return kernels::activation_rows(type, prepare->inputs, prepare->weights).row_bytes;
    };
    EXPECT_LE(rows(kernels::Activation::s8), rows(kernels::Activation::bf16)) << plan.few[i].kernel;
  }
  EXPECT_EQ(&plan.layers_of(1), &plan.decode);
  EXPECT_EQ(&plan.layers_of(2), &plan.few);
  EXPECT_EQ(&plan.layers_of(16), &plan.few);
  EXPECT_EQ(&plan.layers_of(17), &plan.prefill);
  options.chunk = 8;
  EXPECT_EQ(make_plan(model, jit::parse_target("sapphirerapids"), options).few_rows, 8);
  options.compute = ComputeType::int8;
  const Plan alike = make_plan(model, jit::parse_target("sapphirerapids"), options);
  EXPECT_TRUE(alike.few.empty());
  EXPECT_EQ(&alike.layers_of(2), &alike.prefill);
}

TEST(PlanOptions, PromptsInBf16RunAsInt8WhereTheTargetHasNoInstructionsForThem) {
  const ModelDescription model = describe(typed(StoredType::q4_0));
  const PlanOptions options = with_compute(ComputeType::int8_bf16);
  const Plan plan = make_plan(model, jit::parse_target("znver5"), options);
  EXPECT_EQ(activations(plan.prefill), std::set{kernels::Activation::bf16});
  EXPECT_THAT(plan.notes, IsEmpty());
  const Plan without = make_plan(model, jit::parse_target("haswell"), options);
  EXPECT_EQ(without.options.compute, ComputeType::int8);
  EXPECT_EQ(activations(without.prefill), std::set{kernels::Activation::s8});
  EXPECT_THAT(without.notes, ElementsAre(HasSubstr("--compute int8-bf16 runs as int8: target 'haswell'")));
  EXPECT_THAT(tests::error_of([&] { plan_of(describe({}), options); }),
              HasSubstr("--compute int8-bf16 needs integer weights"));
}

// bf16 weights are multiplied as they are, where the CPU does that; others would lose bits.
TEST(PlanOptions, AutomaticComputeIsBf16ForLargeModelsOfIt) {
  MadeLlama made = typed(StoredType::bf16);
  const auto compute_for = [&](const char* target) {
    const Plan plan = make_plan(describe(made), jit::parse_target(target), {});
    EXPECT_THAT(plan.notes, IsEmpty());
    return plan.options.compute;
  };
  EXPECT_EQ(compute_for("znver5"), ComputeType::f32);
  made.hidden = made.feed_forward = 2048;
  EXPECT_EQ(compute_for("znver5"), ComputeType::bf16);
  EXPECT_EQ(compute_for("sapphirerapids"), ComputeType::bf16);
  EXPECT_EQ(compute_for("icelake-server"), ComputeType::f32);
  EXPECT_EQ(compute_for("haswell"), ComputeType::f32);
  made = typed(StoredType::f16);
  made.hidden = made.feed_forward = 2048;
  EXPECT_EQ(compute_for("znver5"), ComputeType::f32);
  EXPECT_EQ(compute_for("graniterapids"), ComputeType::f32);
}

TEST(PlanOptions, Int8ComputeRefusesTablesOfFractionsByName) {
  PlanOptions options = with_compute(ComputeType::int8);
  options.weights = kernels::parse_weight_format("nf4.g64.f32");
  const ModelDescription model = describe(typed(StoredType::f16));
  EXPECT_THAT(tests::error_of([&] { plan_of(model, options); }),
              AllOf(HasSubstr("nf4.g64.f32"), HasSubstr("--compute f32")));
  options.compute = ComputeType::automatic;
  EXPECT_EQ(plan_of(model, options).options.compute, ComputeType::f32);
  EXPECT_THAT(plan_of(model, options).remarks,
              ElementsAre(HasSubstr("nf4.g64.f32 weights are multiplied in f32")));
  options.weights = kernels::parse_weight_format("e2m1.g32.e8m0");
  options.compute = ComputeType::int8;
  EXPECT_EQ(activation_of(plan_of(model, options).decode[1]), kernels::Activation::s8);
}

// As whole models, and where other layers are integers: those are multiplied as such.
TEST(PlanOptions, Float8IsMultipliedInF32) {
  PlanOptions options = with_compute(ComputeType::int8);
  options.weights = kernels::parse_weight_format("e4m3.g128.f32");
  const ModelDescription model = describe(typed(StoredType::f16));
  EXPECT_THAT(tests::error_of([&] { plan_of(model, options); }),
              AllOf(HasSubstr("e4m3.g128.f32"), HasSubstr("--compute f32"), HasSubstr("--weights int8")));
  options.compute = ComputeType::automatic;
  const Plan plan = plan_of(model, options);
  EXPECT_EQ(plan.options.compute, ComputeType::f32);
  EXPECT_EQ(activation_of(plan.decode[1]), kernels::Activation::f32);
  EXPECT_THAT(plan.remarks, ElementsAre(AllOf(HasSubstr("e4m3.g128.f32 weights are multiplied in f32"),
                                              HasSubstr("--weights int8"))));
  MadeLlama made = typed(StoredType::q4_0);
  made.hidden = made.feed_forward = 2048;
  ModelDescription mixed = describe(made);
  TensorDescription& query = mixed.tensors[static_cast<std::size_t>(mixed.find("blk.1.attn_output.weight"))];
  query.type.reset();
  query.coded = options.weights;
  const Plan both = plan_of(mixed);
  EXPECT_EQ(both.options.compute, ComputeType::int8);
  EXPECT_EQ(activation_of(steps_of(both.decode, "blk.1.attention_qkv").at(0)), kernels::Activation::s8);
  EXPECT_EQ(activation_of(steps_of(both.decode, "blk.1.attn_output").at(0)), kernels::Activation::f32);
  EXPECT_THAT(both.remarks, Contains(HasSubstr("e4m3.g128.f32 weights are multiplied in f32")));
}

TEST(PlanOptions, TypesThatAreWidenedAreRemarkedOn) {
  const auto remarks = [](StoredType type) {
    MadeLlama made = typed(type);
    made.hidden = made.feed_forward = 256;
    std::string all;
    for (const std::string& remark : plan_of(describe(made), with_compute(ComputeType::int8)).remarks)
      all += remark + "\n";
    return all;
  };
  EXPECT_THAT(remarks(StoredType::iq2_xs), AllOf(HasSubstr("iq2.g16.two"), HasSubstr("in memory")));
  EXPECT_THAT(remarks(StoredType::iq4_nl), Not(HasSubstr("in memory")));
  EXPECT_THAT(remarks(StoredType::q4_k), Not(HasSubstr("in memory")));
}

// Prompts are multiplied in bf16, single rows in f32; where the CPU cannot, all is f32, and the plan says so.
TEST(PlanOptions, Bf16ComputeIsForRowsOfPrompts) {
  const ModelDescription model = describe(typed(StoredType::q8_0));
  const std::set f32 = {kernels::Activation::f32};
  const Plan plan = make_plan(model, jit::parse_target("znver5"), with_compute(ComputeType::bf16));
  EXPECT_EQ(activations(plan.prefill), std::set{kernels::Activation::bf16});
  EXPECT_EQ(activations(plan.decode), f32);
  EXPECT_EQ(plan.options.kv, KvType::bf16);
  EXPECT_THAT(plan.notes, IsEmpty());
  const Plan widened = make_plan(model, jit::parse_target("haswell"), with_compute(ComputeType::bf16));
  EXPECT_EQ(activations(widened.prefill), f32);
  EXPECT_THAT(widened.notes,
              ElementsAre("--compute bf16 runs as f32: target 'haswell' has no instructions for bf16"));
}

TEST(PlanOptions, F16ComputeIsRefusedWhereTheCpuHasNone) {
  const ModelDescription model = describe(typed(StoredType::q8_0));
  const Plan plan = make_plan(model, jit::parse_target("sapphirerapids"), with_compute(ComputeType::f16));
  EXPECT_EQ(activations(plan.prefill), std::set{kernels::Activation::f16});
  EXPECT_EQ(activations(plan.decode), std::set{kernels::Activation::f32});
  EXPECT_EQ(
      tests::error_of([&] { make_plan(model, jit::parse_target("znver5"), with_compute(ComputeType::f16)); }),
      "--compute f16: target 'znver5' has no avx512fp16: use --compute bf16 or f32, which are no less exact");
}

TEST(PlanOptions, KvTypeFollowsComputeUnlessAsked) {
  const ModelDescription model = describe(typed(StoredType::q8_0));
  const auto kv_of = [&](ComputeType compute, KvType kv) {
    PlanOptions options = with_compute(compute);
    options.kv = kv;
    const Plan plan = plan_of(model, options);
    EXPECT_EQ(plan.heads.kv == kernels::KvStorage::bf16, plan.options.kv == KvType::bf16);
    EXPECT_EQ(plan.heads.kv == kernels::KvStorage::f16, plan.options.kv == KvType::f16);
    EXPECT_EQ(plan.heads.kv == kernels::KvStorage::int8, plan.options.kv == KvType::int8);
    return plan.options.kv;
  };
  EXPECT_EQ(kv_of(ComputeType::f32, KvType::automatic), KvType::f32);
  EXPECT_EQ(kv_of(ComputeType::int8, KvType::automatic), KvType::bf16);
  EXPECT_EQ(kv_of(ComputeType::f32, KvType::bf16), KvType::bf16);
  EXPECT_EQ(kv_of(ComputeType::int8, KvType::f32), KvType::f32);
  EXPECT_EQ(kv_of(ComputeType::f32, KvType::f16), KvType::f16);
  EXPECT_EQ(kv_of(ComputeType::int8, KvType::f16), KvType::f16);
  EXPECT_EQ(kv_of(ComputeType::f32, KvType::int8), KvType::int8);
  EXPECT_EQ(kv_of(ComputeType::int8, KvType::int8), KvType::int8);
}

TEST(PlanOptions, AttentionUsesTheFastestProductsThatCacheTargetAndComputeAllow) {
  const ModelDescription model = describe(typed(StoredType::q8_0));
  const auto math_of = [&](ComputeType compute, KvType kv, const char* target) {
    return std::get<AttentionSpec>(
               steps_of(plan_of(model, with_types(compute, kv), target).decode, "blk.0.attention").at(0).spec)
        .math;
  };
  using enum kernels::AttentionMath;
  EXPECT_EQ(math_of(ComputeType::int8, KvType::bf16, "znver4"), bf16);
  EXPECT_EQ(math_of(ComputeType::int8, KvType::bf16, "icelake-server"), f32);
  EXPECT_EQ(math_of(ComputeType::int8, KvType::f32, "znver4"), f32);
  EXPECT_EQ(math_of(ComputeType::int8, KvType::f16, "znver4"), f32);
  EXPECT_EQ(math_of(ComputeType::int8, KvType::int8, "znver4"), int8);
  EXPECT_EQ(math_of(ComputeType::int8, KvType::int8, "icelake-server"), int8);
  EXPECT_EQ(math_of(ComputeType::bf16, KvType::int8, "znver4"), int8);
  EXPECT_EQ(math_of(ComputeType::int8, KvType::int8, "alderlake"), int8);
  EXPECT_EQ(math_of(ComputeType::int8, KvType::int8, "haswell"), int16);
  EXPECT_EQ(math_of(ComputeType::f32, KvType::int8, "znver4"), f32);
  EXPECT_EQ(math_of(ComputeType::f32, KvType::bf16, "znver4"), f32);
}

// Scales are of whole heads, which a GEMM's epilogue does not see. What one thread makes of heads another reads.
TEST(PlanOptions, Int8CachesAreFilledByHeads) {
  PlanOptions options;
  options.kv = KvType::int8;
  const Plan plan = plan_of(describe(typed(StoredType::q8_0)), options);
  for (const Program* program : {&plan.decode, &plan.prefill}) {
    const auto projections = steps_of(*program, "blk.0.attention_qkv");
    const auto heads = steps_of(*program, "blk.0.attention_heads");
    ASSERT_EQ(projections.size(), 1u);
    ASSERT_EQ(heads.size(), 1u);
    EXPECT_EQ(std::get<kernels::GemmSpec>(projections[0].spec).epilogue, kernels::GemmEpilogue::store);
    EXPECT_EQ(std::get<kernels::HeadsSpec>(heads[0].spec).heads.kv, kernels::KvStorage::int8);
    EXPECT_TRUE(projections[0].barrier);
  }
}

TEST(PlanOptions, ContextAndChunk) {
  MadeLlama made;
  made.context = 10000;
  const ModelDescription model = describe(made);
  const auto options_of = [&](std::int64_t context, std::int64_t chunk) {
    PlanOptions options;
    options.context = context;
    options.chunk = chunk;
    return options;
  };
  EXPECT_EQ(plan_of(model).options.context, 4096);
  EXPECT_EQ(plan_of(describe({})).options.context, 512);
  EXPECT_EQ(plan_of(model, options_of(10000, 512)).options.context, 10000);
  EXPECT_THAT(plan_of(model, options_of(10000, 512)).notes, IsEmpty());
  EXPECT_THAT(plan_of(model, options_of(10001, 512)).notes,
              ElementsAre(HasSubstr("context 10001 is longer than the 10000")));
  EXPECT_EQ(plan_of(model, options_of(100, 512)).options.chunk, 100);  // there are never more rows
  EXPECT_EQ(plan_of(model, options_of(1, 1)).options.chunk, 1);
  EXPECT_THAT(tests::error_of([&] { plan_of(model, options_of(-1, 512)); }),
              HasSubstr("context -1: must be at least 1"));
  for (const std::int64_t chunk : {0, -1})
    EXPECT_THAT(tests::error_of([&] { plan_of(model, options_of(0, chunk)); }),
                HasSubstr("must be at least 1"));
}

TEST(PlanOptions, TextsOfTypes) {
  for (const ComputeType type :
       {ComputeType::automatic, ComputeType::int8, ComputeType::int8_row, ComputeType::int8_bf16,
        ComputeType::bf16, ComputeType::f16, ComputeType::f32})
    EXPECT_EQ(parse_compute_type(to_text(type)), type);
  for (const KvType type : {KvType::automatic, KvType::f32, KvType::f16, KvType::bf16, KvType::int8})
    EXPECT_EQ(parse_kv_type(to_text(type)), type);
  EXPECT_THAT(tests::error_of([] { parse_kv_type("f64"); }),
              AllOf(HasSubstr("--kv 'f64': unknown"), HasSubstr("int8")));
  EXPECT_THAT(tests::error_of([] { parse_compute_type("int7"); }), HasSubstr("--compute 'int7': unknown"));
  EXPECT_THAT(tests::error_of([] { parse_kv_type(""); }), HasSubstr("--kv '': unknown"));
}

}  // namespace
}  // namespace burin::graph
