// Plans of small made-up llamas: steps, what is fused into them, and the formats of their weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/graph/plan_queries.hpp"
#include "tests/support/error_text.hpp"

namespace burin::graph {
namespace {

using kernels::AttentionSpec;
using kernels::GemmEpilogue;
using kernels::GemmRegime;
using kernels::GemmSpec;
using kernels::PrepareSpec;
using kernels::RowNorm;
using kernels::StoredType;
using kernels::WeightFormat;
using kernels::WeightKind;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names_of(const Program& program) {
  std::vector<std::string> names;
  for (const Step& step : program) names.push_back(step.name);
  return names;
}

const GemmSpec& gemm(const Step& step) { return std::get<GemmSpec>(step.spec); }

WeightFormat format_in(const Plan& plan, const Program& program, std::string_view name) {
  return matrix_of(plan, steps_of(program, name).at(0)).format;
}

TEST(Planner, DecodeHasFiveStepsPerLayerWithABarrierEach) {
  const Plan plan = plan_of(describe({}));
  EXPECT_THAT(names_of(plan.decode),
              ElementsAre("token_embd", "blk.0.attention_qkv", "blk.0.attention", "blk.0.attn_output",
                          "blk.0.gate_product", "blk.0.ffn_down", "blk.1.attention_qkv", "blk.1.attention",
                          "blk.1.attn_output", "blk.1.gate_product", "blk.1.ffn_down"));
  EXPECT_THAT(names_of(plan.head_one), ElementsAre("output"));
  EXPECT_EQ(barriers_per_layer(plan), 5);
  for (const Step& step : plan.decode)
    EXPECT_EQ(step.barrier, &step != &plan.decode.back())
        << step.name;  // the program's end is waited for anyway
  EXPECT_EQ(plan.layers, 2);
  EXPECT_EQ(plan.vocabulary, 100);
}

TEST(Planner, PrefillPreparesRowsForEveryGemm) {
  const Plan plan = plan_of(describe({}));
  EXPECT_EQ(plan.prefill.size(), 1u + 2 * (4 * 2 + 1));
  for (std::size_t i = 0; i < plan.prefill.size(); ++i) {
    const Step& step = plan.prefill[i];
    // Whoever embedded a row prepares it, too.
    EXPECT_EQ(step.barrier, i != 0 && i + 1 != plan.prefill.size()) << step.name;
    if (kind_of(step.spec) != GemmSpec::kKind) continue;
    const Step& before = plan.prefill[i - 1];
    const auto& prepare = std::get<PrepareSpec>(before.spec);
    EXPECT_EQ(before.name, step.name + ".prepare");
    EXPECT_EQ(before.input, step.input);
    EXPECT_EQ(prepare.inputs, gemm(step).inputs);
    EXPECT_EQ(prepare.activation, gemm(step).activation);
    EXPECT_EQ(gemm(step).regime, GemmRegime::tiles);
    EXPECT_EQ(gemm(step).norm, RowNorm::none);  // the prepared rows are normed already
    EXPECT_EQ(step.norm, -1);
    EXPECT_EQ(before.norm >= 0, prepare.norm == RowNorm::rms);
  }
  EXPECT_THAT(names_of(plan.head_many), ElementsAre("output.prepare", "output"));
}

TEST(Planner, WhatIsFusedIntoEachGemm) {
  const Plan plan = plan_of(describe({}));
  const struct {
    const char* name;
    GemmEpilogue epilogue;
    RowNorm norm;
    std::int64_t inputs, columns;
  } expected[] = {
      {"blk.1.attention_qkv", GemmEpilogue::rope_kv, RowNorm::rms, 64,
       7 * 32},  // 4 + 2 pair blocks, 2 x 16 values
      {"blk.1.attn_output", GemmEpilogue::add, RowNorm::none, 64, 64},
      {"blk.1.gate_product", GemmEpilogue::gate, RowNorm::rms, 64, 192},
      {"blk.1.ffn_down", GemmEpilogue::add, RowNorm::none, 96, 64},
  };
  for (const auto& e : expected) {
    const Step step = steps_of(plan.decode, e.name).at(0);
    EXPECT_EQ(gemm(step).epilogue, e.epilogue) << e.name;
    EXPECT_EQ(gemm(step).norm, e.norm) << e.name;
    EXPECT_EQ(gemm(step).inputs, e.inputs) << e.name;
    EXPECT_EQ(gemm(step).columns, e.columns) << e.name;
    EXPECT_EQ(gemm(step).regime, GemmRegime::stream) << e.name;
    EXPECT_EQ(step.residual >= 0, e.epilogue == GemmEpilogue::add) << e.name;
    EXPECT_EQ(step.norm >= 0, e.norm == RowNorm::rms) << e.name;
    EXPECT_FLOAT_EQ(step.epsilon, e.norm == RowNorm::rms ? 1e-5f : 0.0f) << e.name;
  }
}

TEST(Planner, StepsKnowTheirLayer) {
  const Plan plan = plan_of(describe({}));
  for (const Program* program : {&plan.decode, &plan.prefill})
    for (const Step& step : *program) {
      const int expected = step.name.starts_with("blk.") ? step.name[4] - '0' : -1;
      EXPECT_EQ(step.layer, expected) << step.name;
    }
  EXPECT_EQ(plan.head_one.at(0).layer, -1);
}

TEST(Planner, GroupedHeads) {
  MadeLlama made;
  made.heads = 8;
  made.kv_heads = 2;
  const Plan plan = plan_of(describe(made));
  EXPECT_EQ(plan.heads.query_heads, 8);
  EXPECT_EQ(plan.heads.kv_heads, 2);
  EXPECT_EQ(plan.heads.head_size, 8);
  const Step attention = steps_of(plan.decode, "blk.0.attention").at(0);
  EXPECT_EQ(std::get<AttentionSpec>(attention.spec).heads, plan.heads);
  EXPECT_FLOAT_EQ(attention.scale, 1 / std::sqrt(8.0f));
  EXPECT_EQ(gemm(steps_of(plan.decode, "blk.0.attention_qkv").at(0)).heads, plan.heads);
  EXPECT_EQ(plan.kv_bytes_per_layer(), 2 * (512 / 64) * 64 * (8 + 16) * 4);  // values are padded to 16
}

TEST(Planner, EveryKernelOfAPlanCanBeEmitted) {
  for (const StoredType type : {StoredType::f16, StoredType::q4_0, StoredType::q5_1})
    for (const char* target : {"haswell", "icelake-server", "znver5"}) {
      const Plan plan = plan_of(describe(typed(type)), {}, target);
      for (const Program* program : {&plan.decode, &plan.prefill, &plan.head_one, &plan.head_many})
        for (const Step& step : *program) {
          EXPECT_EQ(step.kernel, kernel_name(step.spec));
          EXPECT_EQ(emit_kernel(step.spec, plan.target).name, step.kernel);
        }
    }
}

// --- formats

TEST(Planner, MixedFormatsOfQkvBecomeSegments) {
  ModelDescription model = describe(typed(StoredType::q4_0));
  set_type(model, "blk.0.attn_v.weight", StoredType::q8_0);
  const Plan plan = plan_of(model);
  const std::vector<Step> decode = steps_of(plan.decode, "blk.0.attention_qkv");
  ASSERT_EQ(decode.size(), 2u);
  EXPECT_EQ(to_text(matrix_of(plan, decode[0]).format), "int4s.g32.f16");
  EXPECT_EQ(to_text(matrix_of(plan, decode[1]).format), "int8s.g32.f16");
  EXPECT_EQ(decode[0].first_block, 0);
  EXPECT_EQ(decode[0].last_block, plan.heads.query_blocks() + plan.heads.key_blocks());
  EXPECT_EQ(decode[1].first_block, decode[0].last_block);
  EXPECT_EQ(decode[1].last_block, plan.heads.blocks());
  for (const Step& step : decode) {
    EXPECT_EQ(matrix_of(plan, step).shape.columns, (step.last_block - step.first_block) * 32);
    EXPECT_EQ(gemm(step).columns, plan.heads.blocks() * 32);  // the epilogue sees the whole node
  }
  // One row: threads meet once. Many rows: also before the prepared rows are overwritten.
  EXPECT_FALSE(decode[0].barrier);
  EXPECT_TRUE(decode[1].barrier);
  for (const Step& step : steps_of(plan.prefill, "blk.0.attention_qkv")) EXPECT_TRUE(step.barrier);
  EXPECT_EQ(steps_of(plan.prefill, "blk.0.attention_qkv.prepare").size(), 2u);
  EXPECT_EQ(steps_of(plan.decode, "blk.1.attention_qkv").size(), 1u);
  EXPECT_EQ(barriers_per_layer(plan), 5);
  EXPECT_THAT(plan.notes, IsEmpty());  // nothing is slower for it
}

TEST(Planner, MixedGateAndUpAreWidenedAndNoted) {
  ModelDescription model = describe(typed(StoredType::q4_0));
  set_type(model, "blk.1.ffn_up.weight", StoredType::q5_0);
  const Plan plan = plan_of(model);
  EXPECT_EQ(to_text(format_in(plan, plan.decode, "blk.0.gate_product")), "int4s.g32.f16");
  EXPECT_EQ(to_text(format_in(plan, plan.decode, "blk.1.gate_product")), "f32");
  EXPECT_THAT(plan.notes,
              ElementsAre(AllOf(HasSubstr("blk.1.gate_product"), HasSubstr("gate is int4s.g32.f16"),
                                HasSubstr("up is int5s.g32.f16"), HasSubstr("slower"))));
}

TEST(Planner, WeightsAreQuantisedInLayersNotInEmbeddingAndHead) {
  PlanOptions options;
  options.weights = WeightFormat::integer_format(4, false, 32, kernels::ScaleType::bf16);
  const Plan plan = plan_of(describe({}), options);
  for (const Step& step : plan.decode) {
    if (step.matrix < 0) continue;
    const bool layers = kind_of(step.spec) == GemmSpec::kKind;
    EXPECT_EQ(to_text(matrix_of(plan, step).format), layers ? "int4a.g32.bf16" : "f16") << step.name;
  }
  EXPECT_EQ(to_text(format_in(plan, plan.head_one, "output")), "f16");
  options.weights = WeightFormat::integer_format(4, false, 48, kernels::ScaleType::bf16);
  EXPECT_THAT(tests::error_of([&] { plan_of(describe({}), options); }), HasSubstr("groups of 48"));
}

TEST(Planner, ATiedHeadSharesTheEmbeddingsMatrix) {
  MadeLlama made;
  const Plan own = plan_of(describe(made));
  made.own_head = false;
  const Plan tied = plan_of(describe(made));
  EXPECT_EQ(tied.decode[0].matrix, tied.head_one[0].matrix);
  EXPECT_NE(own.decode[0].matrix, own.head_one[0].matrix);
  EXPECT_EQ(own.weight_bytes - tied.weight_bytes, matrix_of(tied, tied.decode[0]).shape.total_bytes);
}

}  // namespace
}  // namespace burin::graph
