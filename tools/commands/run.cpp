// burin run: streams a continuation of a prompt.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <iterator>

#include "graph/plan.hpp"
#include "runtime/beam_search/beam_search.hpp"
#include "runtime/generation.hpp"
#include "runtime/stop_texts.hpp"
#include "tools/beam_options.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"
#include "tools/interrupts.hpp"
#include "tools/keep_weights.hpp"
#include "tools/sampling_options.hpp"

namespace burin::tools {
namespace {

struct RunOptions {
  CommonOptions common;
  std::string prompt;
  std::string file;
  std::string tokens;
  bool has_prompt = false;
  bool has_tokens = false;
  std::int64_t most_tokens = -1;
  runtime::GenerationOptions generation;
  runtime::BeamSearchOptions beams;
  bool has_beams = false;
};

// What a run has made.
struct RunResult {
  runtime::GenerationResult generation;  // with beams, the best text's
  std::vector<runtime::BeamText> beams;  // none where tokens were sampled
  std::size_t cache_bytes = 0;
};

std::string prompt_text(const RunOptions& options) {
  if (!options.file.empty()) return read_file(options.file);
  if (options.has_prompt) return options.prompt;
  if (isatty(STDIN_FILENO) != 0) return "";
  return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
}

std::vector<runtime::TokenId> prompt_tokens(const RunOptions& options, const runtime::Model& model) {
  if (options.has_tokens) {
    std::vector<runtime::TokenId> tokens = parse_tokens(options.tokens);
    if (tokens.empty()) wrong_usage("--tokens: there is no token: give ids as in 1,2,3");
    return tokens;
  }
  std::vector<runtime::TokenId> tokens = model.tokenizer().encode(prompt_text(options));
  // An empty prompt starts from BOS, also where the tokenizer does not add it by itself.
  if (tokens.empty() && model.tokenizer().bos() >= 0) tokens.push_back(model.tokenizer().bos());
  return tokens;
}

double peak_rss_mib() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

double per_second(std::size_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

struct Rates {  // tokens per second
  double prefill = 0;
  double decode = 0;
};

// The first token comes out of the prefill.
Rates rates_of(std::size_t prompt, const runtime::GenerationResult& result) {
  const std::size_t decoded = result.tokens.empty() ? 0 : result.tokens.size() - 1;
  return {per_second(prompt, result.prefill_seconds), per_second(decoded, result.decode_seconds)};
}

double mib(std::size_t bytes) { return static_cast<double>(bytes) / 1048576.0; }

nlohmann::json beams_json(const std::vector<runtime::BeamText>& beams) {
  nlohmann::json list = nlohmann::json::array();
  for (const runtime::BeamText& beam : beams)
    list.push_back({{"text", beam.text},
                    {"tokens", beam.tokens},
                    {"score", beam.score},
                    {"stop_reason", runtime::to_text(beam.reason)}});
  return list;
}

nlohmann::json timings_json(const runtime::LoadStatistics& load, const runtime::GenerationResult& result,
                            const Rates& rates) {
  return {{"load_s", load.seconds},
          {"prefill_s", result.prefill_seconds},
          {"prefill_tok_s", rates.prefill},
          {"decode_s", result.decode_seconds},
          {"decode_tok_s", rates.decode}};
}

nlohmann::json result_json(const RunOptions& options, const runtime::Model& model, std::size_t prompt,
                           const RunResult& run, const Rates& rates) {
  const runtime::GenerationResult& result = run.generation;
  const runtime::LoadStatistics& load = model.statistics();
  nlohmann::json object = {{"prompt_tokens", prompt},
                           {"tokens", result.tokens},
                           {"text", result.text},
                           {"stop_reason", runtime::to_text(result.reason)},
                           {"timings", timings_json(load, result, rates)},
                           {"target", model.target_name()},
                           {"kernels",
                            {{"emitted", load.kernels_emitted},
                             {"from_disk", load.kernels_from_disk},
                             {"from_bundle", load.kernels_from_bundle},
                             {"emit_ms", load.emit_milliseconds}}},
                           {"weights", {{"bytes", load.weight_bytes}, {"from_disk", load.weights_from_disk}}},
                           {"kv_cache_mib", mib(run.cache_bytes)},
                           {"peak_rss_mib", peak_rss_mib()}};
  if (options.has_beams) object["beams"] = beams_json(run.beams);
  return object;
}

void print_result(const RunOptions& options, const runtime::Model& model, std::size_t prompt,
                  const RunResult& run) {
  const runtime::GenerationResult& result = run.generation;
  const runtime::LoadStatistics& load = model.statistics();
  const Rates rates = rates_of(prompt, result);
  if (options.common.json) {
    print_json(result_json(options, model, prompt, run, rates));
    return;
  }
  fmt::print("\n");
  if (options.common.logs_info() || isatty(STDERR_FILENO) != 0)
    fmt::print(stderr,
               "burin: {} prompt tokens at {:.1f} tok/s, {} generated at {:.1f} tok/s, ended by {}; KV cache "
               "of {:.1f} MiB; loaded in {:.2f} s, {} kernels emitted in {:.1f} ms\n",
               prompt, rates.prefill, result.tokens.size(), rates.decode, runtime::to_text(result.reason),
               mib(run.cache_bytes), load.seconds, load.kernels_emitted, load.emit_milliseconds);
}

using OnText = std::function<void(std::string_view)>;

RunResult sample(const RunOptions& options, const runtime::Model& model, runtime::Session& session,
                 const std::vector<runtime::TokenId>& prompt, const OnText& show) {
  const Interrupts interrupts;  // a Ctrl-C ends the text, a second one the program
  RunResult run;
  run.generation = runtime::generate(session, model, prompt, options.generation, show, &interrupts.flag());
  run.cache_bytes = session.cache_bytes();
  return run;
}

// The best text is shown once it is known.
RunResult search(const RunOptions& options, const runtime::Model& model, runtime::Session& session,
                 const std::vector<runtime::TokenId>& prompt, const OnText& show) {
  const Interrupts interrupts;
  runtime::BeamSearchResult result = runtime::beam_search(
      session, model, prompt, {options.beams, options.most_tokens, options.generation.stops},
      &interrupts.flag());
  const runtime::BeamText& best = result.texts.front();
  show(best.text);
  return {{best.tokens, best.text, best.reason, result.prefill_seconds, result.decode_seconds},
          std::move(result.texts),
          result.cache_bytes};
}

void run(RunOptions& options) {
  options.generation.most_tokens = options.most_tokens;
  from_arguments([&] { runtime::validate(options.generation.sampling); });
  from_arguments([&] { runtime::validate(options.beams); });
  from_arguments([&] { runtime::StopTexts{options.generation.stops}; });
  const std::shared_ptr<const runtime::Model> model = load_model(options.common);
  const std::vector<runtime::TokenId> prompt = prompt_tokens(options, *model);
  if (prompt.empty())
    fail("{}: the prompt is empty and the model has no BOS token: give a prompt (-p)", options.common.model);
  const std::unique_ptr<runtime::Session> session = make_session(options.common, model);
  const OnText show = [&](std::string_view piece) {
    if (options.common.json) return;
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
  };
  print_result(options, *model, prompt.size(),
               (options.has_beams ? search : sample)(options, *model, *session, prompt, show));
  keep_weights(options.common, *model);
}

}  // namespace

void add_run_command(CLI::App& app) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Stream a continuation of a prompt");
  command->footer(
      "Example: burin run demo/shakespeare-q8_0.gguf -p \"ROMEO:\" -n 100 --temp 0\n"
      "         burin run demo/shakespeare-q8_0.gguf -p \"ROMEO:\" -c 128 --keep 4 --discard 60\n"
      "         burin run demo/shakespeare-q8_0.gguf -p \"ROMEO:\" -n 40 --beams 4");
  add_model_option(*command, options->common);
  CLI::Option* prompt = command->add_option("-p,--prompt", options->prompt, "Text to continue");
  CLI::Option* file = command->add_option("-f,--file", options->file, "File with the text to continue");
  CLI::Option* tokens =
      command->add_option("--tokens", options->tokens, "Token ids to continue: 1,2,3 or @FILE");
  prompt->excludes(file)->excludes(tokens);
  file->excludes(tokens);
  command
      ->add_option("-n,--predict", options->most_tokens,
                   "Most tokens to generate (default: until the text ends)")
      ->check(CLI::Range(std::int64_t{-1}, std::int64_t{1} << 40));
  command->add_option("--stop", options->generation.stops, "End the text before this; may repeat");
  add_streaming_options(*command, options->common);
  const std::vector<CLI::Option*> sampling = add_sampling_options(*command, options->generation.sampling);
  CLI::Option* beams = add_beam_options(*command, options->beams);
  add_compute_options(*command, options->common);
  add_json_option(*command, options->common);
  command->callback([=] {
    options->has_prompt = prompt->count() > 0;
    options->has_tokens = tokens->count() > 0;
    options->has_beams = beams->count() > 0;
    if (options->has_beams) refuse_beside_beams(sampling);
    run(*options);
  });
}

}  // namespace burin::tools
