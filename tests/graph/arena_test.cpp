// Buffers of plans: no live value may be overwritten, and no reader may find another value's remains.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "graph/arch/architectures.hpp"
#include "tests/graph/plan_queries.hpp"

namespace burin::graph {
namespace {

using kernels::GemmEpilogue;
using kernels::GemmSpec;
using kernels::StoredType;
using kernels::WeightFormat;

constexpr std::int64_t kBlock = kernels::kBlockColumns;

struct Case {
  std::string name;
  MadeLlama made;
  PlanOptions options;
};

// Shapes whose rows are padded in many ways, with and without quantising.
std::vector<Case> cases() {
  const std::int64_t shapes[][4] = {
      // hidden, feed-forward, heads, KV heads
      {64, 96, 4, 2},   {64, 172, 8, 4}, {128, 100, 4, 4}, {128, 128, 4, 1},
      {128, 384, 8, 4}, {96, 40, 6, 3},  {256, 250, 2, 2}, {64, 64, 2, 1},
  };
  std::vector<Case> all;
  for (const auto& [hidden, feed_forward, heads, kv_heads] : shapes)
    for (const int group : {0, 32, 64, 128, 256}) {
      Case c;
      c.name = fmt::format("hidden {} feed-forward {} heads {}/{} group {}", hidden, feed_forward, heads,
                           kv_heads, group);
      c.made.hidden = hidden;
      c.made.feed_forward = feed_forward;
      c.made.heads = heads;
      c.made.kv_heads = kv_heads;
      c.made.layers = 3;
      c.options.chunk = 48;
      if (group > 0)
        c.options.weights = WeightFormat::integer_format(4, false, group, kernels::ScaleType::f16);
      all.push_back(std::move(c));
    }
  return all;
}

template <typename Check>
void for_each_plan(Check check) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const ModelDescription model = describe(c.made);
    check(model, plan_of(model, c.options));
  }
}

// The buffer of every value of the fused graph.
std::map<ValueId, int> buffers_of(const Plan& plan, const Graph& graph) {
  std::map<ValueId, int> buffers;
  for (const Node& node : graph.nodes)
    for (const Program* program : {&plan.decode, &plan.head_one})
      for (const Step& step : steps_of(*program, node.name)) buffers[node.output] = step.output;
  return buffers;
}

bool overlap(const Plan& plan, int a, int b) {
  const Buffer& x = plan.buffers[static_cast<std::size_t>(a)];
  const Buffer& y = plan.buffers[static_cast<std::size_t>(b)];
  return x.offset < y.offset + y.bytes() && y.offset < x.offset + x.bytes();
}

TEST(Arena, EveryReaderFindsTheValueItNeeds) {
  for_each_plan([](const ModelDescription& model, const Plan& plan) {
    Graph graph = build_decoder(model).graph;
    run_passes(graph);
    const std::map<ValueId, int> buffers = buffers_of(plan, graph);
    std::map<int, ValueId> held;  // by buffer, as the steps run
    for (const Node& node : graph.nodes) {
      for (const ValueId input : node.inputs)
        ASSERT_EQ(held[buffers.at(input)], input) << node.name << " reads a value that is gone";
      const int written = buffers.at(node.output);
      for (auto& [buffer, value] : held)
        if (overlap(plan, buffer, written)) value = kNoValue;
      held[written] = node.output;
    }
    // A kernel reads rows while it writes others: only the summand may be where the result goes.
    for (const Step& step : plan.decode) EXPECT_NE(step.input, step.output) << step.name;
  });
}

TEST(Arena, ResidualSumsStayInTheStream) {
  for_each_plan([](const ModelDescription&, const Plan& plan) {
    const int stream = plan.decode[0].output;
    for (const Step& step : plan.decode) {
      if (step.residual < 0) continue;
      EXPECT_EQ(step.residual, stream) << step.name;
      EXPECT_EQ(step.output, stream) << step.name;
    }
    EXPECT_EQ(plan.head_one[0].input, stream);
    EXPECT_EQ(plan.head_one[0].output, plan.logits);
  });
}

TEST(Arena, BuffersLieAlignedInTheArena) {
  for_each_plan([](const ModelDescription&, const Plan& plan) {
    std::size_t end = 0;
    for (const Buffer& buffer : plan.buffers) {
      EXPECT_EQ(buffer.offset % 64, 0u) << buffer.name;
      EXPECT_EQ(buffer.width % kBlock, 0) << buffer.name;
      end = std::max(end, buffer.offset + buffer.bytes());
    }
    EXPECT_GE(plan.arena_bytes, end);
    EXPECT_LT(plan.arena_bytes, end + 64);
    const auto logits = static_cast<std::size_t>(plan.logits);
    for (std::size_t i = 0; i < plan.buffers.size(); ++i)
      EXPECT_EQ(plan.buffers[i].rows, i == logits ? plan.head_rows : plan.options.chunk);
    for (const Step& step : plan.decode) EXPECT_NE(step.output, plan.logits) << step.name;
  });
}

// The head runs several times over rows that the layers left.
TEST(Arena, LogitsLieApartFromWhatTheHeadReads) {
  for_each_plan([](const ModelDescription&, const Plan& plan) {
    EXPECT_FALSE(overlap(plan, plan.logits, plan.head_one[0].input));
  });
}

// The feed-forward's rows and the stream are in use together; queries and what is attended fit in beside.
TEST(Arena, IsNoLargerThanTheTwoLargestLiveBuffers) {
  MadeLlama made;
  made.hidden = 256;
  made.feed_forward = 688 / 32 * 32;
  made.heads = made.kv_heads = 4;
  PlanOptions options;
  options.chunk = 512;
  const Plan plan = plan_of(describe(made), options);
  EXPECT_EQ(plan.arena_bytes, static_cast<std::size_t>((made.hidden + made.feed_forward) * 512 * 4));
}

// Floats of a row that a step writes, zeros of padded columns included.
std::int64_t written_by(const Plan& plan, const Step& step) {
  if (const auto* gemm = std::get_if<GemmSpec>(&step.spec)) {
    if (gemm->epilogue == GemmEpilogue::gate) return gemm->columns / 2;
    if (gemm->epilogue == GemmEpilogue::rope_kv) return plan.heads.query_blocks() * kBlock;
    return gemm->columns;
  }
  if (std::holds_alternative<kernels::AttentionSpec>(step.spec))
    return std::int64_t{plan.heads.query_heads} * plan.heads.head_size;
  return matrix_of(plan, step).shape.padded_inputs;  // embedding
}

// Floats of a row that a step reads, zeros past its inputs included.
std::int64_t read_by(const Plan& plan, const Step& step) {
  if (const auto* gemm = std::get_if<GemmSpec>(&step.spec))
    return kernels::activation_rows(gemm->activation, gemm->inputs, gemm->weights).padded;
  if (std::holds_alternative<kernels::AttentionSpec>(step.spec)) return plan.heads.query_blocks() * kBlock;
  return 0;
}

// Rows begin as zeros. What a reader expects to be zero past a value's own floats must never be written, by
// any value in this buffer, in this token or the one before.
TEST(Arena, PaddingIsNeverWritten) {
  for_each_plan([](const ModelDescription&, const Plan& plan) {
    std::map<int, std::int64_t> dirty;  // floats of a buffer's rows that anything writes
    for (const Step& step : plan.decode)
      dirty[step.output] = std::max(dirty[step.output], written_by(plan, step));
    std::map<int, std::int64_t> own;  // floats of the value that is in the buffer now
    Program steps = plan.decode;
    steps.insert(steps.end(), plan.head_one.begin(), plan.head_one.end());
    for (const Step& step : steps) {
      if (step.input >= 0) {
        const Buffer& buffer = plan.buffers[static_cast<std::size_t>(step.input)];
        EXPECT_LE(read_by(plan, step), buffer.width) << step.name;
        if (read_by(plan, step) > own[step.input]) {
          EXPECT_EQ(dirty[step.input], own[step.input])
              << step.name << " reads padding that another value writes";
          for (int other = 0; other < static_cast<int>(plan.buffers.size()); ++other)
            EXPECT_EQ(overlap(plan, step.input, other), other == step.input)
                << step.name << " reads padding that another buffer covers";
        }
      }
      if (step.output != plan.logits) {
        EXPECT_LE(written_by(plan, step), plan.buffers[static_cast<std::size_t>(step.output)].width)
            << step.name;
      }
      own[step.output] = written_by(plan, step);
    }
  });
}

TEST(Arena, BuffersAreReused) {
  MadeLlama made;
  made.layers = 1;
  const std::size_t one_layer = plan_of(describe(made)).arena_bytes;
  made.layers = 20;
  EXPECT_EQ(plan_of(describe(made)).arena_bytes, one_layer);
}

TEST(Arena, PreparedRowsFitTheLongest) {
  for_each_plan([](const ModelDescription&, const Plan& plan) {
    std::int64_t longest = 0;
    for (const Program* program : {&plan.decode, &plan.prefill, &plan.head_one, &plan.head_many})
      for (const Step& step : *program)
        if (const auto* gemm = std::get_if<GemmSpec>(&step.spec))
          longest = std::max(
              longest, kernels::activation_rows(gemm->activation, gemm->inputs, gemm->weights).row_bytes);
    EXPECT_EQ(plan.prepared_row_bytes, static_cast<std::size_t>(longest));
  });
}

TEST(Arena, NormWeightsArePaddedLikeTheRowsTheyMultiply) {
  for_each_plan([](const ModelDescription&, const Plan& plan) {
    for (const Step& step : plan.decode) {
      if (step.norm < 0) continue;
      EXPECT_GE(plan.vectors[static_cast<std::size_t>(step.norm)].padded(), read_by(plan, step)) << step.name;
    }
  });
}

}  // namespace
}  // namespace burin::graph
