// burin bench: prefill and decode speed next to this machine's limits, measured in the same run.
#include <algorithm>
#include <chrono>

#include "graph/plan.hpp"
#include "runtime/limits.hpp"
#include "runtime/model_state.hpp"
#include "runtime/synthetic/description.hpp"
#include "runtime/synthetic/file.hpp"
#include "runtime/thread_pool.hpp"
#include "tools/command.hpp"
#include "tools/commands/bench_endless.hpp"
#include "tools/commands/bench_startup.hpp"
#include "tools/commands/median.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

struct BenchOptions {
  CommonOptions common;
  std::string synthetic;
  std::int64_t prompt = 512;
  std::int64_t generate = 32;
  std::int64_t depth = 0;
  std::int64_t endless = 0;
  int repeats = 5;
  int batch = 1;
  bool startup = false;
  std::string save;
};

// Largest minus smallest, as a share of the median: how noisy a run was.
double spread(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return (*high - *low) / median(values);
}

// Any valid ids, not all alike.
std::vector<runtime::TokenId> some_tokens(std::int64_t count, std::int64_t vocabulary) {
  std::vector<runtime::TokenId> tokens;
  for (std::int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<runtime::TokenId>((i * 7919 + 13) % vocabulary));
  return tokens;
}

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

struct Samples {
  std::vector<double> prefill_rate, prefill_share, decode_rate, decode_share, read_limit, dot_peak;
};

template <typename Work>
double seconds_of(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// One repeat: every measurement stands between two probes of its limit.
void measure(const BenchOptions& options, const runtime::Model& model, runtime::Session& session,
             runtime::LimitProbe& probe, Samples& samples) {
  const graph::Plan& plan = model.plan();
  const std::vector<runtime::TokenId> prompt = some_tokens(options.prompt, model.vocabulary_size());
  session.reset();
  if (options.depth > 0) session.evaluate(some_tokens(options.depth, model.vocabulary_size()));
  if (options.prompt > 0) {
    const double before = probe.dot_peak_gmac_per_second();
    const double seconds = seconds_of([&] { session.evaluate(prompt); });
    const double peak = (before + probe.dot_peak_gmac_per_second()) / 2;
    const double rows = static_cast<double>(options.prompt);
    samples.dot_peak.push_back(peak);
    samples.prefill_rate.push_back(rows / seconds);
    samples.prefill_share.push_back(layer_macs(plan) * rows / seconds / 1e9 / peak);
  }
  if (options.generate > 0) {
    const std::vector<runtime::TokenId> next = some_tokens(1, model.vocabulary_size());
    const double before = probe.read_gb_per_second();
    const std::int64_t first = session.position();
    const double seconds = seconds_of([&] {
      for (std::int64_t i = 0; i < options.generate; ++i) session.evaluate(next);
    });
    const double limit = (before + probe.read_gb_per_second()) / 2;
    const double steps = static_cast<double>(options.generate);
    samples.read_limit.push_back(limit);
    samples.decode_rate.push_back(steps / seconds);
    samples.decode_share.push_back(decode_bytes(plan, first + options.generate / 2) * steps / seconds / 1e9 /
                                   limit);
  }
}

nlohmann::json breakdown_json(const std::vector<runtime::Session::StepTime>& times) {
  nlohmann::json breakdown = nlohmann::json::object();
  for (const runtime::Session::StepTime& time : times)
    if (time.seconds > 0) breakdown[time.kind] = time.seconds;
  return breakdown;
}

void add_samples(nlohmann::json& object, const char* name, const std::vector<double>& values) {
  if (values.empty()) return;
  object[name] = median(values);
  object["spread"][name] = spread(values);
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
               options.generate, result["decode_tok_s"].get<double>(),
               100 * result["decode_share_of_read_limit"].get<double>(), result["read_gb_s"].get<double>());
  for (const char* phase : {"prefill", "decode"}) {
    const nlohmann::json& parts = result["breakdown"][phase];
    double total = 0;
    for (const auto& [kind, seconds] : parts.items()) total += seconds.get<double>();
    if (total <= 0) continue;
    fmt::print("{} time:", phase);
    for (const auto& [kind, seconds] : parts.items())
      fmt::print("  {} {:.1f} %", kind, 100 * seconds.get<double>() / total);
    fmt::print("\n");
  }
  if (result["noisy"].get<bool>())
    fmt::print("note: repeats differ by more than 10 %: the machine is busy\n");
}

// One more pass of each kind with thread 0's clock on.
nlohmann::json measure_breakdown(const BenchOptions& options, const runtime::Model& model,
                                 runtime::Session& session) {
  nlohmann::json breakdown = {{"prefill", nlohmann::json::object()}, {"decode", nlohmann::json::object()}};
  session.reset();
  session.measure_steps(true);
  session.step_times(true);
  if (options.prompt > 0) {
    session.evaluate(some_tokens(options.prompt, model.vocabulary_size()));
    breakdown["prefill"] = breakdown_json(session.step_times(true));
  }
  for (std::int64_t i = 0; i < options.generate; ++i)
    session.evaluate(some_tokens(1, model.vocabulary_size()));
  breakdown["decode"] = breakdown_json(session.step_times(true));
  session.measure_steps(false);
  return breakdown;
}

graph::Plan plan_without_weights(const BenchOptions& options) {
  const runtime::LoadOptions load = load_options(options.common);
  const auto plan_of = [&](const graph::ModelDescription& description) {
    return graph::make_plan(description, jit::parse_target(load.target), load.plan);
  };
  return options.synthetic.empty() ? plan_of(runtime::ModelFile::open(options.common.model)->description())
                                   : plan_of(runtime::synthetic_description(options.synthetic));
}

// The synthetic model as a file that other engines run as well.
void save(const BenchOptions& options) {
  if (options.synthetic.empty()) wrong_usage("--save {}: is for --synthetic SHAPE", options.save);
  const std::optional<kernels::WeightFormat> weights = load_options(options.common).plan.weights;
  kernels::StoredType type = kernels::StoredType::f16;
  from_arguments([&] {
    if (weights) type = runtime::stored_type_of(*weights);
    static_cast<void>(runtime::synthetic_description(options.synthetic, type));
  });
  const std::uint64_t bytes = runtime::write_synthetic_gguf(options.synthetic, type, options.save);
  if (options.common.json)
    print_json({{"path", options.save}, {"bytes", bytes}});
  else
    fmt::print("{}: {:.1f} MiB\n", options.save, static_cast<double>(bytes) / 1048576);
}

void run(BenchOptions& options) {
  if (options.batch != 1) wrong_usage("--batch {}: not supported yet: use 1", options.batch);
  if (options.common.model.empty() == options.synthetic.empty())
    wrong_usage("bench: give either MODEL or --synthetic SHAPE");
  if (!options.synthetic.empty())
    from_arguments([&] { static_cast<void>(runtime::synthetic_description(options.synthetic)); });
  if (!options.save.empty()) return save(options);
  if (options.startup) return bench_startup(options.common, plan_without_weights(options), options.repeats);
  if (options.endless == 0 && (options.common.keep || options.common.discard))
    wrong_usage("--keep and --discard: are for --endless");
  if (options.common.context == 0 && options.endless == 0)
    options.common.context = options.depth + options.prompt + options.generate + 1;
  const std::shared_ptr<const runtime::Model> model =
      options.synthetic.empty() ? load_model(options.common)
                                : runtime::Model::synthetic(options.synthetic, load_options(options.common));
  if (!options.synthetic.empty()) print_notes(options.common, *model);
  if (options.endless > 0) return bench_endless(options.common, model, options.endless);
  runtime::Session session(model);
  runtime::ThreadPool probe_threads(model->threads());
  runtime::LimitProbe probe(model->plan().target, probe_threads);
  Samples samples;
  Samples warm_up;
  measure(options, *model, session, probe, warm_up);
  for (int i = 0; i < options.repeats; ++i) measure(options, *model, session, probe, samples);

  nlohmann::json result = {{"model", model->plan().model},
                           {"target", model->target_name()},
                           {"threads", model->threads()},
                           {"compute", graph::to_text(model->plan().options.compute)},
                           {"kv", graph::to_text(model->plan().options.kv)},
                           {"repeats", options.repeats},
                           {"weight_bytes", model->plan().weight_bytes}};
  result["spread"] = nlohmann::json::object();
  add_samples(result, "prefill_tok_s", samples.prefill_rate);
  add_samples(result, "prefill_share_of_dot_peak", samples.prefill_share);
  add_samples(result, "decode_tok_s", samples.decode_rate);
  add_samples(result, "decode_share_of_read_limit", samples.decode_share);
  add_samples(result, "read_gb_s", samples.read_limit);
  add_samples(result, "dot_peak_gmac_s", samples.dot_peak);
  result["noisy"] = std::any_of(result["spread"].begin(), result["spread"].end(),
                                [](const nlohmann::json& s) { return s.get<double>() > 0.1; });
  result["breakdown"] = measure_breakdown(options, *model, session);
  if (options.common.json)
    print_json(result);
  else
    print_text(options, result);
}

}  // namespace

void add_bench_command(CLI::App& app) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "Prefill and decode speed next to this machine's limits");
  command->footer(
      "Example: burin bench --synthetic llama-7b:8 --weights int4 --group 32 -p 512 -n 32\n"
      "         burin bench --synthetic llama-7b:8 --weights int4 --save q4_0.gguf     (for other engines)");
  command->add_option("MODEL", options->common.model, "GGUF file or Hugging Face folder");
  command->add_option("--synthetic", options->synthetic,
                      "Random weights of a known shape: llama-7b[:LAYERS[:VOCABULARY]], ...");
  command->add_option("-p,--prompt", options->prompt, "Tokens of the prefill (default 512; 0: none)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 20));
  command->add_option("-n,--generate", options->generate, "Tokens to decode (default 32; 0: none)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 20));
  command->add_option("-d,--depth", options->depth, "Tokens in the cache before (default 0)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 20));
  command->add_option("-r,--repeats", options->repeats, "Repeats; medians are printed (default 5)")
      ->check(CLI::Range(1, 1000));
  command->add_option("--batch", options->batch, "Rows decoded at once (only 1 so far)");
  command->add_flag("--startup", options->startup,
                    "Measure the start instead: emitting kernels, loading them from the cache");
  command
      ->add_option(
          "--endless", options->endless,
          "Decode so many tokens past a full context instead: time, perplexity and memory of ten parts")
      ->check(CLI::Range(std::int64_t{10}, std::int64_t{1} << 40));
  add_streaming_options(*command, options->common);
  command->add_option("--save", options->save,
                      "Write the synthetic model as a GGUF file instead of running it");
  add_compute_options(*command, options->common);
  add_json_option(*command, options->common);
  command->callback([=] { run(*options); });
}

}  // namespace burin::tools
