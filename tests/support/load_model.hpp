// Loads models for tests the short way, and evaluates whole sequences.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/generation.hpp"
#include "runtime/session.hpp"

namespace burin::tests {

struct ModelSettings {
  graph::ComputeType compute = graph::ComputeType::f32;
  graph::KvType kv = graph::KvType::f32;
  std::string target = "detect";
  int threads = 2;
  std::int64_t chunk = 512;
  std::int64_t context = 0;
  std::string weights = "";  // "int8s.g32.f16"; empty: as stored
};

inline std::shared_ptr<const runtime::Model> load_model(const std::string& path,
                                                        const ModelSettings& settings = {}) {
  runtime::LoadOptions options;
  options.threads = settings.threads;
  options.target = settings.target;
  options.plan.compute = settings.compute;
  options.plan.kv = settings.kv;
  options.plan.chunk = settings.chunk;
  options.plan.context = settings.context;
  if (!settings.weights.empty()) options.plan.weights = kernels::parse_weight_format(settings.weights);
  return runtime::Model::load(path, options);
}

// Logits of all positions, one row after the other.
inline std::vector<float> all_logits(const std::shared_ptr<const runtime::Model>& model,
                                     const std::vector<runtime::TokenId>& tokens) {
  runtime::Session session(model);
  std::vector<float> rows;
  const std::function<void(std::span<const float>)> sink = [&](std::span<const float> row) {
    rows.insert(rows.end(), row.begin(), row.end());
  };
  session.evaluate(tokens, runtime::LogitsWanted::all, &sink);
  return rows;
}

// Any valid ids, not all alike.
inline std::vector<runtime::TokenId> made_tokens(std::int64_t count, std::int64_t vocabulary) {
  std::vector<runtime::TokenId> tokens;
  for (std::int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<runtime::TokenId>(i * i % vocabulary));
  return tokens;
}

// Of the last position; the last `decoded` tokens one by one.
inline std::vector<float> last_logits(const std::shared_ptr<const runtime::Model>& model,
                                      std::span<const runtime::TokenId> tokens, std::size_t decoded) {
  runtime::Session session(model);
  session.evaluate(tokens.first(tokens.size() - decoded));
  for (std::size_t i = tokens.size() - decoded; i < tokens.size(); ++i)
    session.evaluate(tokens.subspan(i, 1));
  return {session.logits().begin(), session.logits().end()};
}

inline runtime::GenerationResult greedy(const std::shared_ptr<const runtime::Model>& model,
                                        const std::vector<runtime::TokenId>& prompt, std::int64_t count) {
  runtime::Session session(model);
  runtime::GenerationOptions options;
  options.sampling.temperature = 0;
  options.most_tokens = count;
  return runtime::generate(session, *model, prompt, options, [](std::string_view) {});
}

}  // namespace burin::tests
