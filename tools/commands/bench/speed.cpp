#include "tools/commands/bench/speed.hpp"

#include <algorithm>

#include "graph/plan.hpp"
#include "tools/command.hpp"
#include "tools/commands/bench/median.hpp"
#include "tools/commands/bench/samples.hpp"
#include "tools/commands/bench/step_table.hpp"

namespace burin::tools {
namespace {

// Largest minus smallest, as a share of the median: how noisy a run was.
double spread(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return (*high - *low) / median(values);
}

void add_samples(nlohmann::json& object, const char* name, const std::vector<double>& values) {
  if (values.empty()) return;
  object[name] = median(values);
  object["spread"][name] = spread(values);
}

graph::MachineLimits limits_of(const runtime::Model& model, double read_gb, double int8_gmac) {
  graph::MachineLimits limits = graph::measured_limits(model.plan().target, read_gb * 1e9, int8_gmac * 1e9);
  limits.threads = model.threads();
  return limits;
}

// The programs that evaluating the prompt takes.
std::vector<RunPart> prefill_parts(const BenchOptions& options, const graph::Plan& plan) {
  std::vector<RunPart> parts;
  for (std::int64_t first = 0; first < options.prompt; first += plan.options.chunk) {
    const std::int64_t rows = std::min(plan.options.chunk, options.prompt - first);
    parts.push_back({&plan.layers_of(rows), {rows, options.depth + first}});
  }
  parts.push_back({&plan.head_one, {1, 0}});
  return parts;
}

// Those of all decoding steps, at the position in their middle: what a step takes grows evenly with it.
std::vector<RunPart> decode_parts(const BenchOptions& options, const graph::Plan& plan) {
  const bool one = options.batch == 1;
  const auto steps = static_cast<double>(options.generate);
  const std::int64_t position = options.depth + options.prompt + options.batch * options.generate / 2;
  std::vector<RunPart> parts = {{&plan.layers_of(options.batch), {options.batch, position}, steps}};
  for (std::int64_t row = 0; row < options.batch; row += plan.head_rows) {
    const std::int64_t rows = std::min(plan.head_rows, options.batch - row);
    parts.push_back({one ? &plan.head_one : &plan.head_many, {rows, 0}, steps});
  }
  return parts;
}

// One more pass of each kind with thread 0's clock on, and the limits before, between and after them.
void add_breakdown(nlohmann::json& result, const BenchOptions& options, const runtime::Model& model,
                   runtime::Session& session, runtime::LimitProbe& probe) {
  constexpr int kProbes = 3;
  double read_gb = 0;
  double int8_gmac = 0;
  const auto measure_limits = [&] {
    read_gb += probe.read_gb_per_second() / kProbes;
    int8_gmac += probe.dot_peak_gmac_per_second() / kProbes;
  };
  const graph::Plan& plan = model.plan();
  session.reset();
  if (options.depth > 0) session.evaluate(some_tokens(options.depth, model.vocabulary_size()));
  session.measure_steps(true);
  session.step_times(true);
  measure_limits();
  if (options.prompt > 0) session.evaluate(some_tokens(options.prompt, model.vocabulary_size()));
  const std::vector<runtime::Session::StepTime> prefill = session.step_times(true);
  measure_limits();
  seconds_to_decode(options, session, some_tokens(options.batch, model.vocabulary_size()));
  const std::vector<runtime::Session::StepTime> decode = session.step_times(true);
  measure_limits();
  session.measure_steps(false);

  const graph::MachineLimits limits = limits_of(model, read_gb, int8_gmac);
  result["breakdown"] = {{"prefill", seconds_by_kind(prefill)}, {"decode", seconds_by_kind(decode)}};
  result["steps"] = {{"prefill", step_table(plan, prefill_parts(options, plan), prefill, limits)},
                     {"decode", step_table(plan, decode_parts(options, plan), decode, limits)}};
  result["limits"] = {{"read_gb_s", read_gb},
                      {"int8_gmac_s", int8_gmac},
                      {"bf16_gmac_s", limits.bf16_macs_per_second / 1e9},
                      {"f16_gmac_s", limits.f16_macs_per_second / 1e9},
                      {"f32_gmac_s", limits.f32_macs_per_second / 1e9}};
}

void print_text(const BenchOptions& options, const nlohmann::json& result) {
  fmt::print("{} for {}, {} threads, {} repeats (medians)\n", result["model"].get<std::string>(),
             result["target"].get<std::string>(), result["threads"].get<int>(), options.repeats);
  if (result.contains("prefill_tok_s"))
    fmt::print("prefill {:>5} tokens  {:>9.1f} tok/s  {:5.1f} % of the dot-product peak ({:.0f} GMAC/s)\n",
               options.prompt, result["prefill_tok_s"].get<double>(),
               100 * result["prefill_share_of_dot_peak"].get<double>(),
               result["dot_peak_gmac_s"].get<double>());
  if (result.contains("decode_tok_s"))
    fmt::print("decode  {:>5} tokens  {:>9.1f} tok/s  {:5.1f} % of the read limit ({:.1f} GB/s)\n",
               options.batch * options.generate, result["decode_tok_s"].get<double>(),
               100 * result["decode_share_of_read_limit"].get<double>(), result["read_gb_s"].get<double>());
  if (result.contains("batch_speed_of_one_row"))
    fmt::print("a step of {} rows is {:.2f} times as fast as one of a single row\n", options.batch,
               result["batch_speed_of_one_row"].get<double>());
  print_step_table("steps of prefill", result["steps"]["prefill"]);
  print_step_table("steps of decode", result["steps"]["decode"]);
  if (result["noisy"].get<bool>())
    fmt::print("note: repeats differ by more than 10 %: the machine is busy\n");
}

nlohmann::json to_json(const BenchOptions& options, const runtime::Model& model, const Samples& samples) {
  nlohmann::json result = {{"model", model.plan().model},
                           {"target", model.target_name()},
                           {"threads", model.threads()},
                           {"compute", graph::to_text(model.plan().options.compute)},
                           {"kv", graph::to_text(model.plan().options.kv)},
                           {"prompt", options.prompt},
                           {"generate", options.generate},
                           {"depth", options.depth},
                           {"batch", options.batch},
                           {"repeats", options.repeats},
                           {"weight_bytes", model.plan().weight_bytes}};
  result["spread"] = nlohmann::json::object();
  add_samples(result, "prefill_tok_s", samples.prefill_rate);
  add_samples(result, "prefill_share_of_dot_peak", samples.prefill_share);
  add_samples(result, "decode_tok_s", samples.decode_rate);
  add_samples(result, "decode_share_of_read_limit", samples.decode_share);
  add_samples(result, "batch_speed_of_one_row", samples.to_one_row);
  add_samples(result, "read_gb_s", samples.read_limit);
  add_samples(result, "dot_peak_gmac_s", samples.dot_peak);
  result["noisy"] = std::any_of(result["spread"].begin(), result["spread"].end(),
                                [](const nlohmann::json& spread) { return spread.get<double>() > 0.1; });
  return result;
}

}  // namespace

void bench_speed(const BenchOptions& options, const std::shared_ptr<const runtime::Model>& model) {
  runtime::Session session(model);
  runtime::ThreadPool probe_threads(model->threads());
  runtime::LimitProbe probe(model->plan().target, probe_threads);
  Samples warm_up;
  measure(options, *model, session, probe, warm_up);
  Samples samples;
  for (int i = 0; i < options.repeats; ++i) measure(options, *model, session, probe, samples);
  nlohmann::json result = to_json(options, *model, samples);
  add_breakdown(result, options, *model, session, probe);
  if (options.common.json)
    print_json(result);
  else
    print_text(options, result);
}

}  // namespace burin::tools
