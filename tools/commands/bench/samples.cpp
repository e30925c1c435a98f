#include "tools/commands/bench/samples.hpp"

#include <chrono>

#include "graph/plan.hpp"
#include "graph/roofline.hpp"

namespace burin::tools {

// Any valid ids, not all alike.
std::vector<runtime::TokenId> some_tokens(std::int64_t count, std::int64_t vocabulary) {
  std::vector<runtime::TokenId> tokens;
  for (std::int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<runtime::TokenId>((i * 7919 + 13) % vocabulary));
  return tokens;
}

namespace {

// Multiply-adds of the layers' matrices for one row (the head is computed for the last row only).
double layer_macs(const graph::Plan& plan) {
  double macs = 0;
  for (const graph::Step& step : plan.decode)
    if (std::holds_alternative<kernels::GemmSpec>(step.spec)) {
      const graph::PackedMatrix& m = plan.matrices[static_cast<std::size_t>(step.matrix)];
      const double used = step.used > 0 ? static_cast<double>(step.used) : static_cast<double>(m.experts);
      macs += static_cast<double>(m.shape.inputs) * static_cast<double>(m.shape.columns / m.experts) * used;
    }
  return macs;
}

// Bytes that decoding one token must read: weights once, and the cache up to `positions`.
double decode_bytes(const graph::Plan& plan, std::int64_t positions) {
  double bytes = 0;
  for (const graph::Program* program : {&plan.decode, &plan.head_one})
    for (const graph::Step& step : *program) {
      const graph::StepTraffic traffic = graph::traffic_of(plan, step, positions);
      bytes += static_cast<double>(traffic.weights);
      if (std::holds_alternative<kernels::AttentionSpec>(step.spec))
        bytes += static_cast<double>(plan.heads.kv_heads) * static_cast<double>(plan.heads.kv_block_bytes()) /
                 kernels::kKvBlock * static_cast<double>(positions);
    }
  return bytes;
}

template <typename Work>
double seconds_of(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// A step of so many rows, with the logits of all of them.
void decode(runtime::Session& session, std::span<const runtime::TokenId> rows) {
  static const std::function<void(std::span<const float>)> kIgnore = [](std::span<const float>) {};
  if (rows.size() == 1)
    session.evaluate(rows);
  else
    session.evaluate(rows, runtime::LogitsWanted::all, &kIgnore);
}

}  // namespace

double seconds_to_decode(const BenchOptions& options, runtime::Session& session,
                         std::span<const runtime::TokenId> rows) {
  return seconds_of([&] {
    for (std::int64_t i = 0; i < options.generate; ++i) decode(session, rows);
  });
}

namespace {

void measure_decode(const BenchOptions& options, const runtime::Model& model, runtime::Session& session,
                    runtime::LimitProbe& probe, Samples& samples) {
  const std::vector<runtime::TokenId> rows = some_tokens(options.batch, model.vocabulary_size());
  const std::int64_t first = session.position();
  const double steps = static_cast<double>(options.generate);
  if (options.batch > 1) {
    const double seconds = seconds_to_decode(options, session, std::span(rows).first(1));
    session.truncate(first);
    samples.to_one_row.push_back(seconds);
  }
  const double before = probe.read_gb_per_second();
  const double seconds = seconds_to_decode(options, session, rows);
  const double limit = (before + probe.read_gb_per_second()) / 2;
  if (options.batch > 1) samples.to_one_row.back() /= seconds;
  samples.read_limit.push_back(limit);
  samples.decode_rate.push_back(static_cast<double>(options.batch) * steps / seconds);
  const double bytes = decode_bytes(model.plan(), first + options.batch * options.generate / 2);
  samples.decode_share.push_back(bytes * steps / seconds / 1e9 / limit);
}

// Of what so many rows are multiplied in, where bytes have this one.
double peak_of_prompts(const graph::Plan& plan, std::int64_t rows, double int8_peak) {
  const graph::MachineLimits limits = graph::measured_limits(plan.target, 0, int8_peak);
  for (const graph::Step& step : plan.layers_of(rows))
    if (const auto* gemm = std::get_if<kernels::GemmSpec>(&step.spec))
      return graph::peak_of(gemm->activation, limits);
  return int8_peak;
}

}  // namespace

void measure(const BenchOptions& options, const runtime::Model& model, runtime::Session& session,
             runtime::LimitProbe& probe, Samples& samples) {
  const graph::Plan& plan = model.plan();
  const std::vector<runtime::TokenId> prompt = some_tokens(options.prompt, model.vocabulary_size());
  session.reset();
  if (options.depth > 0) session.evaluate(some_tokens(options.depth, model.vocabulary_size()));
  if (options.prompt > 0) {
    const double before = probe.dot_peak_gmac_per_second();
    const double seconds = seconds_of([&] { session.evaluate(prompt); });
    const double int8_peak = (before + probe.dot_peak_gmac_per_second()) / 2;
    const double peak = peak_of_prompts(plan, std::min(options.prompt, plan.options.chunk), int8_peak);
    const double rows = static_cast<double>(options.prompt);
    samples.dot_peak.push_back(peak);
    samples.prefill_rate.push_back(rows / seconds);
    samples.prefill_share.push_back(layer_macs(plan) * rows / seconds / 1e9 / peak);
  }
  if (options.generate > 0) measure_decode(options, model, session, probe, samples);
}

}  // namespace burin::tools
