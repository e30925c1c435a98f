#include "tools/sampling_options.hpp"

#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

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

// One that lies in a range.
template <typename Number>
void add_number(CLI::App& command, const char* name, Number& number,
                const std::pair<std::type_identity_t<Number>, std::type_identity_t<Number>>& range,
                const char* help) {
  command.add_option(name, number, help)->check(CLI::Range(range.first, range.second));
}

void add_basic_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  add_number(command, "--temp", sampling.temperature, {0, 100}, "Temperature; 0 is greedy (default 0.8)");
  add_number(command, "--top-k", sampling.top_k, {0, std::numeric_limits<int>::max()},
             "Keep the K most likely tokens; 0: all (default 40)");
  add_number(command, "--top-p", sampling.top_p, {0, 1},
             "Keep the likeliest tokens up to probability P (default 0.95)");
  add_number(command, "--min-p", sampling.min_p, {0, 1},
             "Keep tokens at least P times as likely as the best (default 0.05)");
  command.add_option("--seed", sampling.seed, "The same seed gives the same text (default 0)")
      ->check(is_not_negative);
}

void add_penalty_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  add_number(command, "--repeat-penalty", sampling.repeat_penalty, {0.01f, 100},
             "Penalise recent tokens; 1: off (default 1)");
  add_number(command, "--repeat-last,--repeat-last-n", sampling.repeat_last, {0, kMostTokensBack},
             "How many tokens the penalties look back (default 64)");
  add_number(command, "--presence-penalty", sampling.presence_penalty, {-100, 100},
             "Take this off the logits of recent tokens (default 0)");
  add_number(command, "--frequency-penalty", sampling.frequency_penalty, {-100, 100},
             "Take this off them for each use (default 0)");
}

void add_filter_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  add_number(command, "--typical,--typical-p", sampling.typical, {0, 1},
             "Keep the most typical tokens up to probability P; 1: all (default 1)");
  add_number(command, "--xtc-probability", sampling.xtc_probability, {0, 1},
             "How often all top choices but the least likely go; 0: never (default 0)");
  add_number(command, "--xtc-threshold", sampling.xtc_threshold, {0, 1},
             "Tokens at least so likely are top choices (default 0.1)");
}

// "none" stands for no breaker, which an absent option cannot say.
void set_breakers(runtime::SamplingOptions& sampling, const std::vector<std::string>& texts) {
  sampling.dry_sequence_breakers = texts;
  if (texts.size() == 1 && texts[0] == "none") sampling.dry_sequence_breakers.clear();
}

void add_dry_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  add_number(command, "--dry-multiplier", sampling.dry_multiplier, {0, 100},
             "Penalise going on with repeats (DRY); 0: off (default 0)");
  add_number(command, "--dry-base", sampling.dry_base, {1, 100}, "Base of DRY's power (default 1.75)");
  add_number(command, "--dry-allowed-length", sampling.dry_allowed_length, {1, kMostTokensBack},
             "Repeats of so many tokens cost the multiplier, longer ones more (default 2)");
  add_number(command, "--dry-penalty-last-n", sampling.dry_penalty_last_n, {0, kMostTokensBack},
             "How many tokens DRY looks back; 0: off (default 64)");
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
  add_number(command, "--dynatemp-range", sampling.dynatemp_range, {0, 100},
             "Let the temperature move so far with the entropy; 0: off (default 0)");
  add_number(command, "--dynatemp-exp", sampling.dynatemp_exponent, {0, 100},
             "Exponent of the entropy's share (default 1)");
  command
      .add_option("--mirostat", sampling.mirostat,
                  "2: Mirostat 2.0 in place of top-k to XTC; 0: off (default 0)")
      ->check(CLI::IsMember({0, 2}));
  add_number(command, "--mirostat-lr", sampling.mirostat_eta, {0, 1},
             "Mirostat's learning rate, eta (default 0.1)");
  add_number(command, "--mirostat-ent", sampling.mirostat_tau, {0, 100},
             "Mirostat's target surprise in bits, tau (default 5)");
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

std::vector<CLI::Option*> add_sampling_options(CLI::App& command, runtime::SamplingOptions& sampling) {
  const auto before = static_cast<std::ptrdiff_t>(command.get_options().size());
  add_basic_options(command, sampling);
  add_penalty_options(command, sampling);
  add_filter_options(command, sampling);
  add_dry_options(command, sampling);
  add_temperature_options(command, sampling);
  add_bias_option(command, sampling);
  add_grammar_options(command, sampling);
  std::vector<CLI::Option*> all = command.get_options();
  return {all.begin() + before, all.end()};
}

}  // namespace burin::tools
