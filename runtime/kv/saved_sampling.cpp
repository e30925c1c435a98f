#include "runtime/kv/saved_sampling.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "jit/error.hpp"
#include "runtime/kv/sequence_numbers.hpp"

namespace burin::runtime {
namespace {

// Every option that is one number, once for writing and reading.
template <typename Options, typename Visit>
void for_each_number(Options& options, Visit&& visit) {
  visit("temperature", options.temperature);
  visit("top_k", options.top_k);
  visit("top_p", options.top_p);
  visit("min_p", options.min_p);
  visit("repeat_penalty", options.repeat_penalty);
  visit("repeat_last", options.repeat_last);
  visit("seed", options.seed);
  visit("presence_penalty", options.presence_penalty);
  visit("frequency_penalty", options.frequency_penalty);
  visit("typical", options.typical);
  visit("xtc_probability", options.xtc_probability);
  visit("xtc_threshold", options.xtc_threshold);
  visit("dynatemp_range", options.dynatemp_range);
  visit("dynatemp_exponent", options.dynatemp_exponent);
  visit("dry_multiplier", options.dry_multiplier);
  visit("dry_base", options.dry_base);
  visit("dry_allowed_length", options.dry_allowed_length);
  visit("dry_penalty_last_n", options.dry_penalty_last_n);
  visit("mirostat", options.mirostat);
  visit("mirostat_tau", options.mirostat_tau);
  visit("mirostat_eta", options.mirostat_eta);
}

class ReadNumber {
 public:
  explicit ReadNumber(const SequenceFields& header) : header_(header) {}
  void operator()(std::string_view name, float& value) const { value = header_.fraction(name); }
  void operator()(std::string_view name, int& value) const {
    value = static_cast<int>(header_.number(name, 0, std::numeric_limits<int>::max()));
  }
  void operator()(std::string_view name, std::uint64_t& value) const { value = header_.bits(name); }

 private:
  const SequenceFields& header_;
};

// Texts may hold line ends: "0a,3a" is "\n" and ":".
std::string hex_of(const std::vector<std::string>& texts) {
  std::string hex;
  for (const std::string& text : texts) {
    if (!hex.empty()) hex += ',';
    for (const char c : text) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return hex;
}

char byte_of(const std::string& path, std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 2 || error != std::errc() || end != digits.data() + digits.size())
    fail("{}: dry_sequence_breakers has {}: must be two hexadecimal digits", path, printable(digits));
  return static_cast<char>(value);
}

std::vector<std::string> texts_of(const std::string& path, std::string_view hex) {
  std::vector<std::string> texts;
  while (!hex.empty()) {
    std::string_view digits = hex.substr(0, hex.find(','));
    hex.remove_prefix(std::min(digits.size() + 1, hex.size()));
    std::string& text = texts.emplace_back();
    for (; !digits.empty(); digits.remove_prefix(std::min<std::size_t>(2, digits.size())))
      text += byte_of(path, digits.substr(0, 2));
  }
  return texts;
}

std::vector<LogitBias> read_biases(HashedFileReader& file, std::int64_t count, std::int64_t vocabulary) {
  const std::vector<TokenId> tokens = read_tokens(file, "tokens with a bias", count, vocabulary);
  if (tokens.size() > file.left() / sizeof(float))
    fail("{}: has {} biases, more than the file is long: it is damaged", file.path(), count);
  std::vector<float> values(tokens.size());
  read_numbers(file, values);
  std::vector<LogitBias> biases;
  for (std::size_t i = 0; i < tokens.size(); ++i) biases.push_back({tokens[i], values[i]});
  return biases;
}

template <typename Numbers>
void read_array(HashedFileReader& file, const SequenceFields& header, std::string_view name, std::size_t most,
                Numbers& numbers) {
  const auto count = static_cast<std::size_t>(header.number(name, 0, static_cast<std::int64_t>(most)));
  if (count > file.left() / sizeof(numbers[0]))
    fail("{}: {} is {}, more than the file is long: it is damaged", file.path(), name, count);
  numbers.resize(count);
  read_numbers(file, numbers);
}

void read_grammar(HashedFileReader& file, const SequenceFields& header, SamplerState& state) {
  constexpr std::size_t kMostNumbers = 4 * kMostGrammarFrames;
  read_array(file, header, "grammar", kMostGrammarBytes, state.options.grammar);
  read_array(file, header, "grammar_place", kMostNumbers, state.grammar);
}

void check(const std::string& path, const SamplingOptions& options) {
  try {
    validate(options);
  } catch (const Error& error) {
    fail("{}: sampling: {}", path, error.what());
  }
}

}  // namespace

void set_sampling(SequenceFields& header, const SamplerState& sampling) {
  for_each_number(sampling.options, [&](std::string_view name, auto value) { header.set(name, value); });
  header.set("dry_sequence_breakers", hex_of(sampling.options.dry_sequence_breakers));
  header.set("logit_biases", sampling.options.logit_bias.size());
  header.set("random", sampling.random);
  header.set("mirostat_mu", sampling.mirostat_mu);
  header.set("recent", sampling.recent.size());
  header.set("grammar", sampling.options.grammar.size());
  header.set("grammar_place", sampling.grammar.size());
  header.set("awaited", sampling.awaited + 1);
}

void write_sampling(HashedFileWriter& file, const SamplerState& sampling) {
  write_numbers(file, sampling.recent);
  std::vector<TokenId> tokens;
  std::vector<float> biases;
  for (const auto& [token, bias] : sampling.options.logit_bias) {
    tokens.push_back(token);
    biases.push_back(bias);
  }
  write_numbers(file, tokens);
  write_numbers(file, biases);
  write_numbers(file, sampling.options.grammar);
  write_numbers(file, sampling.grammar);
}

SamplerState read_sampling(HashedFileReader& file, const SequenceFields& header, std::int64_t vocabulary) {
  SamplerState state;
  for_each_number(state.options, ReadNumber(header));
  state.options.dry_sequence_breakers = texts_of(file.path(), header.value("dry_sequence_breakers"));
  check(file.path(), state.options);
  state.random = header.bits("random");
  state.mirostat_mu = header.fraction("mirostat_mu");
  if (!std::isfinite(state.mirostat_mu))
    fail("{}: mirostat_mu is {}: must be a number", file.path(), state.mirostat_mu);
  const auto most = static_cast<std::int64_t>(tokens_looked_back(state.options));
  state.recent = read_tokens(file, "recent tokens", header.number("recent", 0, most), vocabulary);
  state.options.logit_bias = read_biases(file, header.number("logit_biases", 0, 1 << 20), vocabulary);
  read_grammar(file, header, state);
  state.awaited = static_cast<TokenId>(header.number("awaited", 0, vocabulary)) - 1;
  check(file.path(), state.options);
  return state;
}

}  // namespace burin::runtime
