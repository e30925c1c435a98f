#include "tools/common_options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "graph/plan.hpp"
#include "runtime/environment.hpp"
#include "templates/emitters.hpp"
#include "tools/command.hpp"
#include "tools/progress_bar.hpp"

namespace burin::tools {
namespace {

constexpr std::int64_t kMostContext = std::int64_t{1} << 24;
constexpr std::int64_t kMostChunk = 1 << 16;
constexpr int kMostThreads = 1024;

kernels::ScaleType parse_scale(const std::string& text) {
  if (text.empty() || text == "f16") return kernels::ScaleType::f16;
  if (text == "f32") return kernels::ScaleType::f32;
  if (text == "bf16") return kernels::ScaleType::bf16;
  if (text == "two-level") return kernels::ScaleType::two_level;
  wrong_usage("--scale '{}': unknown: use f32, f16, bf16 or two-level", text);
}

void check_group(std::int64_t group, kernels::ScaleType scale) {
  if (scale == kernels::ScaleType::two_level) {
    if (group != 16 && group != 32)
      wrong_usage("--group {}: not supported with --scale two-level: use 16 or 32", group);
  } else if (group != kernels::kWholeRow && group != 16 && (group < 32 || group > 1024 || group % 32 != 0)) {
    wrong_usage("--group {}: not supported: use 16, a multiple of 32 up to 1024, or row", group);
  }
}

// Formats whose codes have values of their own, under groups and scales that can be chosen. What they are without: as
// the files of others have it. bitsandbytes groups of 64 under f32, GGUF's IQ4_NL groups of 32 under f16, fp8
// checkpoints groups of 128 under f32.
std::optional<kernels::WeightFormat> default_format(const std::string& kind) {
  if (kind == "nf4") return kernels::parse_weight_format("nf4.g64.f32");
  if (kind == "fp4") return kernels::parse_weight_format("fp4.g64.f32");
  if (kind == "iq4nl") return kernels::parse_weight_format("iq4nl.g32.f16");
  if (kind == "e4m3") return kernels::parse_weight_format("e4m3.g128.f32");
  if (kind == "e5m2") return kernels::parse_weight_format("e5m2.g128.f32");
  return std::nullopt;
}

// MX formats and NVFP4 have one group and scale only.
std::optional<kernels::WeightFormat> fixed_format(const std::string& kind) {
  if (kind == "mxfp4") return kernels::parse_weight_format("e2m1.g32.e8m0");
  if (kind == "nvfp4") return kernels::parse_weight_format("e2m1.g16.e4m3");
  return std::nullopt;
}

std::optional<kernels::WeightFormat> parse_valued(const CommonOptions& options) {
  if (const auto fixed = fixed_format(options.weights)) {
    if (options.group != 0 || !options.scale.empty())
      wrong_usage("--weights {}: is {}, with groups of {}: leave out --group and --scale", options.weights,
                  to_text(*fixed), fixed->group);
    return fixed;
  }
  std::optional<kernels::WeightFormat> format = default_format(options.weights);
  if (!format) return std::nullopt;
  if (options.group != 0) format->group = static_cast<int>(options.group);
  if (!options.scale.empty()) format->scale = parse_scale(options.scale);
  if (format->is_fp8() && format->is_two_level())
    wrong_usage("--scale two-level: not supported with --weights {}: use f32, f16 or bf16", options.weights);
  check_group(format->group, format->scale);
  return format;
}

kernels::WeightFormat parse_weights(const CommonOptions& options) {
  const std::string& kind = options.weights;
  const bool is_float = kind == "f32" || kind == "f16" || kind == "bf16";
  if (is_float && (options.group != 0 || !options.scheme.empty() || !options.scale.empty()))
    wrong_usage("--weights {}: has no groups: leave out --group, --scheme and --scale", kind);
  if (kind == "f32") return kernels::WeightFormat::float_format(kernels::WeightKind::f32);
  if (kind == "f16") return kernels::WeightFormat::float_format(kernels::WeightKind::f16);
  if (kind == "bf16") return kernels::WeightFormat::float_format(kernels::WeightKind::bf16);
  if (const auto valued = parse_valued(options)) {
    if (!options.scheme.empty()) wrong_usage("--weights {}: has its own zero: leave out --scheme", kind);
    return *valued;
  }
  const bool is_integer = kind.size() == 4 && kind.starts_with("int") && kind[3] >= '1' && kind[3] <= '8';
  if (!is_integer)
    wrong_usage(
        "--weights {}: not supported: use int1 to int8, nf4, fp4, mxfp4, nvfp4, iq4nl, e4m3, e5m2, f16, bf16 "
        "or f32",
        kind);
  const std::int64_t group = options.group == 0 ? 32 : options.group;
  const kernels::ScaleType scale = parse_scale(options.scale);
  check_group(group, scale);
  if (!options.scheme.empty() && options.scheme != "sym" && options.scheme != "asym")
    wrong_usage("--scheme '{}': unknown: use sym or asym", options.scheme);
  return kernels::WeightFormat::integer_format(kind[3] - '0', options.scheme != "asym",
                                               static_cast<int>(group), scale);
}

void check_contradictions(const CommonOptions& options) {
  if (options.weights.empty() && (options.group != 0 || !options.scheme.empty() || !options.scale.empty()))
    wrong_usage("--group, --scheme and --scale say how to quantise: add --weights int4 or the like");
}

}  // namespace

void add_model_option(CLI::App& command, CommonOptions& options) {
  command.add_option("MODEL", options.model, "GGUF file or Hugging Face folder")->required();
}

void add_compute_options(CLI::App& command, CommonOptions& options) {
  command.add_option("-t,--threads", options.threads, "Threads (default: the CPUs this process may use)")
      ->check(CLI::Range(1, kMostThreads));
  command.add_option("--target", options.target,
                     "CPU name or feature list to emit kernels for (default: detect)");
  command.add_option("--compute", options.compute,
                     "int8, int8-row, int8-bf16, bf16, f16, f32 or auto (int8 for integers, on AMX "
                     "int8-bf16; bf16 for bf16 where "
                     "the CPU multiplies it; else f32); int8-row: activations have one scale per row; "
                     "int8-bf16: prompts in bf16; "
                     "bf16, f16: prompts in it, single tokens in f32");
  command.add_option("--kv", options.kv, "KV cache: f32, f16, bf16, int8 or auto");
  command.add_option(
      "--weights", options.weights,
      "Quantise on load: int1 .. int8, nf4, fp4, mxfp4, nvfp4, iq4nl, e4m3, e5m2, or f16, bf16, "
      "f32");
  command
      .add_option(
          "--group", options.group,
          "Weights per scale, or row for all inputs of an output (default 32; nf4 and fp4: 64; e4m3 and "
          "e5m2: 128)")
      ->transform(
          [](const std::string& text) { return text == "row" ? std::to_string(kernels::kWholeRow) : text; });
  command.add_option("--scheme", options.scheme, "sym or asym (default sym)");
  command.add_option("--scale", options.scale,
                     "Scale type: f32, f16, bf16, or two-level as K-quants have it (default f16; nf4, fp4, "
                     "e4m3 and e5m2: f32)");
  add_cache_option(command, options);
  command
      .add_option(
          "--kept-weights", options.kept_weights,
          "Packed weights beside the kernels, which the next start maps: on (of 256 MiB and more), all or "
          "off; run and chat keep them when they end (default: on)")
      ->check(CLI::IsMember({"on", "all", "off"}));
  command.add_option("--kernels", options.kernels,
                     "Bundle of pre-generated kernels (burin pregen); may repeat");
  command.add_flag("--no-emit", options.no_emit,
                   "Use pre-generated or cached kernels only; with --kernels: those of the bundles");
  command.add_option("--log", options.log, "error, warn, info or debug")
      ->check(CLI::IsMember({"error", "warn", "info", "debug"}));
  command.add_option("-c,--context", options.context, "Context length (default: the model's, at most 4096)")
      ->check(CLI::Range(std::int64_t{1}, kMostContext));
  command.add_option("--chunk", options.chunk, "Most tokens evaluated at once (default 512)")
      ->check(CLI::Range(std::int64_t{1}, kMostChunk));
}

void add_cache_option(CLI::App& command, CommonOptions& options) {
  command.add_option("--cache", options.cache,
                     "Folder that keeps emitted kernels, or off (default: $BURIN_CACHE_DIR, "
                     "$XDG_CACHE_HOME/burin or ~/.cache/burin)");
}

std::string cache_folder(const CommonOptions& options) {
  if (options.cache == "off") return "";
  return options.cache.empty() ? runtime::default_cache_folder() : options.cache;
}

void add_streaming_options(CLI::App& command, CommonOptions& options) {
  command
      .add_option(
          "--keep", options.keep,
          "Endless text: when the context is full, tokens are discarded, but these first ones stay (default "
          "with --discard: 4)")
      ->check(CLI::Range(std::int64_t{0}, kMostContext));
  command
      .add_option(
          "--discard", options.discard,
          "Endless text: how many tokens go at once; -1: half of those that may (default with --keep)")
      ->check(CLI::Range(std::int64_t{-1}, kMostContext));
}

runtime::SessionOptions session_options(const CommonOptions& options, const runtime::Model& model) {
  runtime::SessionOptions session;
  session.endless = options.keep || options.discard;
  if (!session.endless) return session;
  const std::int64_t context = model.context_length();
  session.keep = options.keep.value_or(std::min(session.keep, context / 2));
  session.discard = options.discard.value_or(session.discard);
  if (session.keep >= context)
    wrong_usage("--keep {}: the context has {} tokens: use a smaller number, or a larger context (-c)",
                session.keep, context);
  if (session.discard == 0 || session.discard > context - session.keep)
    wrong_usage(
        "--discard {}: must be 1 to {}, what may go from a context of {} of which {} stay, or -1 for half of "
        "it",
        session.discard, context - session.keep, context, session.keep);
  return session;
}

std::unique_ptr<runtime::Session> make_session(const CommonOptions& options,
                                               const std::shared_ptr<const runtime::Model>& model) {
  auto session = std::make_unique<runtime::Session>(model, session_options(options, *model));
  const std::int64_t discard = session->options().discard;
  if (session->evaluates_again() && options.log != "error")
    fmt::print(stderr,
               "burin: note: {}: its positions are learned, so they cannot shift: whenever {} tokens are "
               "discarded, the "
               "{} that are left are evaluated again: a larger --discard makes that rarer\n",
               options.model, discard, model->context_length() - discard);
  return session;
}

void add_json_option(CLI::App& command, CommonOptions& options) {
  command.add_flag("--json", options.json, "Print one JSON object");
}

graph::PlanOptions plan_options(const CommonOptions& options) {
  check_contradictions(options);
  graph::PlanOptions plan;
  plan.compute = from_arguments([&] { return graph::parse_compute_type(options.compute); });
  plan.kv = from_arguments([&] { return graph::parse_kv_type(options.kv); });
  if (!options.weights.empty()) plan.weights = parse_weights(options);
  plan.context = options.context;
  if (options.chunk > 0) plan.chunk = options.chunk;
  return plan;
}

runtime::LoadOptions load_options(const CommonOptions& options) {
  runtime::LoadOptions load;
  load.threads = options.threads;
  load.target = options.target;
  from_arguments([&] { jit::require_host_can_run(jit::parse_target(options.target)); });
  load.plan = plan_options(options);
  load.bundles = options.kernels;
  // Without an emitter --no-emit goes without saying.
  load.emit = !options.no_emit && kernels::has_emitters();
  // --kernels with --no-emit means these and nothing else.
  const bool only_bundles = !load.emit && !options.kernels.empty() && options.cache.empty();
  if (!only_bundles) load.cache_folder = cache_folder(options);
  load.kept_weights = options.kept_weights != "off";
  if (options.kept_weights == "all") load.least_kept_bytes = 0;
  if (!load.emit && load.bundles.empty() && load.cache_folder.empty())
    wrong_usage("--no-emit: there are neither bundles nor a cache: add --kernels FILE or --cache DIR");
  load.progress = ProgressBar("loading");
  return load;
}

void print_notes(const CommonOptions& options, const runtime::Model& model) {
  const runtime::LoadStatistics& load = model.statistics();
  if (options.log != "error") {
    for (const std::string& note : model.plan().notes) fmt::print(stderr, "burin: note: {}\n", note);
    for (const std::string& note : load.notes) fmt::print(stderr, "burin: note: {}\n", note);
    const bool emits = kernels::has_emitters() && !options.no_emit;
    if (emits && options.cache.empty() && cache_folder(options).empty())
      fmt::print(
          stderr,
          "burin: note: kernel cache: none of BURIN_CACHE_DIR, XDG_CACHE_HOME and HOME is set: kernels "
          "are emitted at every start: use --cache DIR or off\n");
  }
  if (!options.logs_info()) return;
  for (const std::string& remark : model.plan().remarks) fmt::print(stderr, "burin: remark: {}\n", remark);
  fmt::print(stderr,
             "burin: for {}: {} kernels emitted in {:.1f} ms, {} from bundles and {} from disk in {:.1f} ms; "
             "{:.1f} MiB of weights {}; loaded in {:.2f} s\n",
             model.target_name(), load.kernels_emitted, load.emit_milliseconds, load.kernels_from_bundle,
             load.kernels_from_disk, load.disk_milliseconds,
             static_cast<double>(load.weight_bytes) / 1048576.0,
             load.weights_from_disk ? "kept from before" : "packed", load.seconds);
}

std::shared_ptr<const runtime::Model> load_model(const CommonOptions& options) {
  return load_model(options, runtime::open_model(options.model));
}

std::shared_ptr<const runtime::Model> load_model(const CommonOptions& options, runtime::OpenedModel opened) {
  std::shared_ptr<const runtime::Model> model =
      runtime::Model::load(std::move(opened), load_options(options));
  print_notes(options, *model);
  return model;
}

std::vector<runtime::TokenId> parse_tokens(const std::string& text) {
  std::string list = text.starts_with('@') ? read_file(text.substr(1)) : text;
  while (!list.empty() && (list.back() == '\n' || list.back() == ' ')) list.pop_back();
  std::vector<runtime::TokenId> tokens;
  if (list.empty()) return tokens;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find_first_of(",\n", at), list.size());
    const std::string_view part = std::string_view(list).substr(at, end - at);
    runtime::TokenId id = 0;
    const char* first = part.data() + (part.starts_with(' ') ? 1 : 0);
    const auto [stop, error] = std::from_chars(first, part.data() + part.size(), id);
    if (error != std::errc() || stop != part.data() + part.size() || id < 0)
      wrong_usage("token '{}': must be a number that is not negative, as in 1,2,3",
                  part.size() > 40 ? std::string(part.substr(0, 40)) + "..." : std::string(part));
    tokens.push_back(id);
    at = end + 1;
  }
  return tokens;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("{}: cannot be opened for reading", path);
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) fail("{}: is a folder, not a file", path);
  std::ostringstream content;
  content << file.rdbuf();
  if (content.bad()) fail("{}: cannot be read", path);
  return std::move(content).str();
}

void print_json(const nlohmann::json& object) {
  fmt::print("{}\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  std::fflush(stdout);
}

}  // namespace burin::tools
