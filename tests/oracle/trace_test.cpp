// What the steps of a traced evaluation made, against the oracle's values of the same nodes.
#include "runtime/trace.hpp"

#include <gtest/gtest.h>

#include <map>

#include "graph/arch/architectures.hpp"
#include "graph/passes/passes.hpp"
#include "tests/oracle/model_tensors.hpp"
#include "tests/support/load_model.hpp"

namespace burin::tests {
namespace {

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";
const std::vector<std::int32_t> kTokens = {50, 47, 45, 9, 300, 17, 2};

struct Norms {
  double l2 = 0;
  double largest = 0;
};

Norms norms_of(const Rows& rows, std::int64_t first, std::int64_t count) {
  Norms norms;
  double squares = 0;
  for (std::int64_t r = first; r < first + count; ++r)
    for (const double x : rows.at(static_cast<std::size_t>(r))) {
      squares += x * x;
      norms.largest = std::max(norms.largest, std::fabs(x));
    }
  norms.l2 = std::sqrt(squares);
  return norms;
}

runtime::Session session_of(std::int64_t chunk, int threads) {
  ModelSettings settings;
  settings.threads = threads;
  settings.chunk = chunk;
  return runtime::Session(load_model(kDemo, settings));
}

// Every node of the fused graph has a step, and every step's output is the node's value.
TEST(Trace, NormsAreTheOraclesInDecodeAndPrefill) {
  const auto file = runtime::ModelFile::open(kDemo);
  graph::Graph graph = graph::build_decoder(file->description()).graph;
  graph::run_passes(graph);
  GraphOracle oracle(graph, [&](const std::string& name) { return read_tensor(*file, name); });
  oracle.run(kTokens);
  std::map<std::string, graph::ValueId> value_of;
  for (const graph::Node& node : graph.nodes) value_of[node.name] = node.output;

  for (const std::int64_t chunk : {1, 3, 512}) {
    runtime::Session session = session_of(chunk, 2);
    std::map<std::string, std::int64_t> rows_seen;
    session.trace(kTokens, [&](const runtime::StepRecord& record) {
      const std::string& name = record.step->name;
      EXPECT_EQ(record.checksum.size(), 16u) << name;
      if (!record.norms) {
        EXPECT_TRUE(name.ends_with(".prepare")) << name;
        return;
      }
      ASSERT_TRUE(value_of.contains(name)) << name;
      const Norms expected = norms_of(oracle.value(value_of.at(name)), record.position, record.rows);
      EXPECT_NEAR(record.norms->l2, expected.l2, 2e-5 * expected.l2) << name << " at " << record.position;
      EXPECT_NEAR(record.norms->largest, expected.largest, 2e-5 * expected.l2) << name;
      rows_seen[name] += record.rows;
    });
    EXPECT_EQ(rows_seen.size(), graph.nodes.size());
    for (const auto& [name, rows] : rows_seen)
      EXPECT_EQ(rows, name == "output" ? 1 : std::ssize(kTokens)) << name;
  }
}

std::vector<std::string> checksums_of(runtime::Session& session) {
  std::vector<std::string> checksums;
  session.trace(kTokens, [&](const runtime::StepRecord& record) { checksums.push_back(record.checksum); });
  return checksums;
}

TEST(Trace, ChecksumsDoNotDependOnThreads) {
  runtime::Session one = session_of(4, 1);
  runtime::Session three = session_of(4, 3);
  const std::vector<std::string> checksums = checksums_of(one);
  EXPECT_EQ(checksums, checksums_of(three));
  one.reset();
  EXPECT_EQ(checksums, checksums_of(one));
}

TEST(Trace, EvaluatesAsAlways) {
  runtime::Session traced = session_of(4, 2);
  runtime::Session plain = session_of(4, 2);
  checksums_of(traced);
  plain.evaluate(kTokens);
  EXPECT_EQ(traced.position(), plain.position());
  EXPECT_TRUE(std::equal(plain.logits().begin(), plain.logits().end(), traced.logits().begin()));
}

}  // namespace
}  // namespace burin::tests
