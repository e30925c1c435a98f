#include "tools/sampling_options.hpp"

#include <charconv>
#include <limits>
#include <string>
#include <string_view>

#include "runtime/sampling/schema/json_schema.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

constexpr int kMostTokensBack = 1 << 20;

// CLI11 lets negative numbers wrap.
std::string is_not_negative(const std::string& text) {
  return text.starts_with('-') ? text + " is negative: give 0 or more" : "";
}

void add_basic_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  command.add_option("--temp", sampling.temperature, "Temperature; 0 is greedy (default 0.8)")
      ->check(CLI::Range(0.0, 100.0));
  command.add_option("--top-k", sampling.top_k, "Keep the K most likely tokens; 0: all (default 40)")
      ->check(CLI::Range(0, std::numeric_limits<int>::max()));
  command
      .add_option("--top-p", sampling.top_p, "Keep the likeliest tokens up to probability P (default 0.95)")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--min-p", sampling.min_p,
                  "Keep tokens at least P times as likely as the best (default 0.05)")
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--seed", sampling.seed, "The same seed gives the same text (default 0)")
      ->check(is_not_negative);
}

void add_penalty_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  command
      .add_option("--repeat-penalty", sampling.repeat_penalty, "Penalise recent tokens; 1: off (default 1)")
      ->check(CLI::Range(0.01, 100.0));
  command
      .add_option("--repeat-last,--repeat-last-n", sampling.repeat_last,
                  "How many tokens the penalties look back (default 64)")
      ->check(CLI::Range(0, kMostTokensBack));
  command
      .add_option("--presence-penalty", sampling.presence_penalty,
                  "Take this off the logits of recent tokens (default 0)")
      ->check(CLI::Range(-100.0, 100.0));
  command
      .add_option("--frequency-penalty", sampling.frequency_penalty,
                  "Take this off them for each use (default 0)")
      ->check(CLI::Range(-100.0, 100.0));
}

void add_filter_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  command
      .add_option("--typical,--typical-p", sampling.typical,
                  "Keep the most typical tokens up to probability P; 1: all (default 1)")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--xtc-probability", sampling.xtc_probability,
                  "How often all top choices but the least likely go; 0: never (default 0)")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--xtc-threshold", sampling.xtc_threshold,
                  "Tokens at least so likely are top choices (default 0.1)")
      ->check(CLI::Range(0.0, 1.0));
}

// "none" stands for no breaker, which an absent option cannot say.
void set_breakers(runtime::SamplingOptions& sampling, const std::vector<std::string>& texts) {
  sampling.dry_sequence_breakers = texts;
  if (texts.size() == 1 && texts[0] == "none") sampling.dry_sequence_breakers.clear();
}

void add_dry_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  command
      .add_option("--dry-multiplier", sampling.dry_multiplier,
                  "Penalise going on with repeats (DRY); 0: off (default 0)")
      ->check(CLI::Range(0.0, 100.0));
  command.add_option("--dry-base", sampling.dry_base, "Base of DRY's power (default 1.75)")
      ->check(CLI::Range(1.0, 100.0));
  command
      .add_option("--dry-allowed-length", sampling.dry_allowed_length,
                  "Repeats of so many tokens cost the multiplier, longer ones more (default 2)")
      ->check(CLI::Range(1, kMostTokensBack));
  command
      .add_option("--dry-penalty-last-n", sampling.dry_penalty_last_n,
                  "How many tokens DRY looks back; 0: off (default 64)")
      ->check(CLI::Range(0, kMostTokensBack));
  command
      .add_option_function<std::vector<std::string>>(
          "--dry-sequence-breaker",
          [&sampling](const std::vector<std::string>& texts) { set_breakers(sampling, texts); },
          "Repeats do not reach over this text; may repeat; none: no such text (default: line end, colon, "
          "quote, asterisk)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_temperature_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  command
      .add_option("--dynatemp-range", sampling.dynatemp_range,
                  "Let the temperature move so far with the entropy; 0: off (default 0)")
      ->check(CLI::Range(0.0, 100.0));
  command
      .add_option("--dynatemp-exp", sampling.dynatemp_exponent, "Exponent of the entropy's share (default 1)")
      ->check(CLI::Range(0.0, 100.0));
  command
      .add_option("--mirostat", sampling.mirostat,
                  "2: Mirostat 2.0 in place of top-k to XTC; 0: off (default 0)")
      ->check(CLI::IsMember({0, 2}));
  command.add_option("--mirostat-lr", sampling.mirostat_eta, "Mirostat's learning rate, eta (default 0.1)")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--mirostat-ent", sampling.mirostat_tau,
                  "Mirostat's target surprise in bits, tau (default 5)")
      ->check(CLI::Range(0.0, 100.0));
}

template <typename Number>
bool reads_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// ID+BIAS or ID-BIAS, as in 15043-1, 15043+2.5, 15043-inf.
runtime::LogitBias parse_bias(const std::string& text) {
  const std::size_t sign = text.find_first_of("+-");
  runtime::LogitBias bias;
  const bool is_one = sign != text.npos && sign + 1 < text.size() && text[sign + 1] != '-' &&
                      reads_whole(std::string_view(text).substr(0, sign), bias.token) &&
                      reads_whole(std::string_view(text).substr(sign + 1), bias.bias);
  if (!is_one) wrong_usage("--logit-bias: {} is no bias: give ID+BIAS or ID-BIAS, as in 15043-1", text);
  if (text[sign] == '-') bias.bias = -bias.bias;
  return bias;
}

void add_bias_option(CLI::App& command, runtime::SamplingOptions& sampling) {
  command
      .add_option_function<std::vector<std::string>>(
          "-l,--logit-bias",
          [&sampling](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) sampling.logit_bias.push_back(parse_bias(text));
          },
          "Change a token's logit, as in 15043+1 or 15043-1; 15043-inf: never pick it; may repeat")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

// A schema, or @FILE with one.
std::string schema_text(const std::string& text) {
  return text.starts_with('@') ? read_file(text.substr(1)) : text;
}

template <typename Grammar>
CLI::Option* add_text_option(CLI::App& command, const char* name, runtime::SamplingOptions& sampling,
                             const char* help, Grammar&& grammar) {
  return command.add_option_function<std::string>(
      name,
      [&sampling, grammar](const std::string& text) {
        sampling.grammar = from_arguments([&] { return grammar(text); });
        if (sampling.grammar.empty()) wrong_usage("grammar: it is empty: give rules, of which one is root");
      },
      help);
}

void add_grammar_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  CLI::Option* text =
      add_text_option(command, "--grammar", sampling, "The text follows this grammar, in GBNF",
                      [](const std::string& given) { return given; });
  CLI::Option* file = add_text_option(command, "--grammar-file", sampling, "The same, from a file",
                                      [](const std::string& path) { return read_file(path); });
  CLI::Option* schema = add_text_option(
      command, "-j,--json-schema", sampling,
      "The text is JSON as this schema has it, or as @FILE has it; {}: any JSON",
      [](const std::string& given) { return runtime::grammar_of_json_schema(schema_text(given)); });
  text->excludes(file)->excludes(schema);
  file->excludes(schema);
}

}  // namespace

void add_sampling_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  add_basic_options(command, sampling);
  add_penalty_options(command, sampling);
  add_filter_options(command, sampling);
  add_dry_options(command, sampling);
  add_temperature_options(command, sampling);
  add_bias_option(command, sampling);
  add_grammar_options(command, sampling);
}

}  // namespace burin::tools
