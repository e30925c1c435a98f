#include "graph/rope_frequencies.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "jit/error.hpp"

namespace burin::graph {
namespace {

constexpr double kDefaultBase = 10000;
constexpr double kLargestBase = 1e12;
constexpr double kLargestFactor = 1e6;
constexpr std::int64_t kMostContext = 1 << 30;
constexpr double kDefaultBetaFast = 32;
constexpr double kDefaultBetaSlow = 1;

void divide(std::vector<double>& frequencies, double factor) {
  for (double& f : frequencies) f /= factor;
}

void divide(std::vector<double>& frequencies, const std::vector<double>& factors) {
  for (std::size_t i = 0; i < frequencies.size(); ++i) frequencies[i] /= factors[i];
}

// Long waves are slowed by the factor, short ones kept, those between blended.
void scale_llama3(std::vector<double>& frequencies, const ConfigReader& scaling) {
  const double factor = scaling.number("factor", 1, kLargestFactor);
  const double low = scaling.number("low_freq_factor", 1e-3, 1e6);
  const double high = scaling.number("high_freq_factor", 1e-3, 1e6);
  if (!(high > low)) scaling.refuse("high_freq_factor", "must be larger than low_freq_factor");
  const double original = scaling.number("original_max_position_embeddings", 1, 1e9);
  for (double& frequency : frequencies) {
    const double wave = 2 * std::numbers::pi / frequency;
    if (wave < original / high) continue;
    if (wave > original / low) {
      frequency /= factor;
      continue;
    }
    const double blend = (original / wave - low) / (high - low);
    frequency = (1 - blend) * frequency / factor + blend * frequency;
  }
}

struct Yarn {
  double base = kDefaultBase;
  double factor = 1;
  double original = 1;  // context
  double beta_fast = kDefaultBetaFast;
  double beta_slow = kDefaultBetaSlow;
  bool whole_pairs = true;  // the blended range is rounded outwards
};

// Pairs that turn more than beta_fast times within the original context keep their frequency, those that
// turn less than beta_slow times are slowed by the factor; in between a linear blend by pair.
void scale_yarn(std::vector<double>& frequencies, const Yarn& yarn) {
  const double rotary = 2 * static_cast<double>(frequencies.size());
  const auto pair_turning = [&](double turns) {
    return rotary * std::log(yarn.original / (turns * 2 * std::numbers::pi)) / (2 * std::log(yarn.base));
  };
  double first = pair_turning(yarn.beta_fast);
  double last = pair_turning(yarn.beta_slow);
  if (yarn.whole_pairs) {
    first = std::floor(first);
    last = std::ceil(last);
  }
  first = std::max(first, 0.0);
  last = std::min(last, rotary - 1);
  const double width = last == first ? 0.001 : last - first;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double slowed = std::clamp((static_cast<double>(i) - first) / width, 0.0, 1.0);
    frequencies[i] *= slowed / yarn.factor + 1 - slowed;
  }
}

// The newer spelling, which may have one object per layer type.
std::optional<ConfigReader> rope_parameters(const ConfigReader& config, std::string_view layer_type) {
  const std::optional<ConfigReader> all = config.object("rope_parameters");
  return all && !layer_type.empty() && all->has(layer_type) ? all->object(layer_type) : all;
}

// The config of one model: where its base and scaling stand.
class HuggingFaceRope {
 public:
  HuggingFaceRope(const ConfigReader& config, int rotary, std::string_view layer_type) : config_(config) {
    const std::optional<ConfigReader> newer = rope_parameters(config, layer_type);
    const ConfigReader& theta_at = newer && newer->has("rope_theta") ? *newer : config;
    const std::string_view key = theta_at.has("rotary_emb_base") ? "rotary_emb_base" : "rope_theta";
    base_ = theta_at.number_or(key, kDefaultBase, 1, kLargestBase);
    rope_.rotary = rotary;
    rope_.inverse_frequencies = plain_frequencies(base_, rotary);
    if (newer)
      scaling_.emplace(*newer);
    else if (const std::optional<ConfigReader> older = config.object("rope_scaling"))
      scaling_.emplace(*older);
  }

  RopeAttributes make() {
    if (!scaling_) return rope_;
    const std::string_view key = scaling_->has("rope_type") ? "rope_type" : "type";
    const std::string type = scaling_->text_or(key, "default");
    if (type == "linear")
      divide(rope_.inverse_frequencies, factor());
    else if (type == "llama3")
      scale_llama3(rope_.inverse_frequencies, *scaling_);
    else if (type == "dynamic")
      set_dynamic();
    else if (type == "yarn")
      set_yarn();
    else if (type == "longrope" || type == "su")
      set_longrope();
    else if (type != "default")
      scaling_->refuse(key, "not supported yet: default, linear, llama3, dynamic, yarn and longrope are");
    return rope_;
  }

 private:
  double factor() const { return scaling_->number("factor", 1e-3, kLargestFactor); }

  std::int64_t original_context() const {
    constexpr std::string_view kKey = "original_max_position_embeddings";
    for (const ConfigReader* at : {&*scaling_, &config_})
      if (at->has(kKey)) return at->integer(kKey, 1, kMostContext);
    return config_.integer("max_position_embeddings", 1, kMostContext);
  }

  void set_dynamic() {
    rope_.longer.ntk_base = base_;
    rope_.longer.ntk_factor = factor();
    rope_.longer.context = original_context();
    if (rope_.rotary <= 2) scaling_->refuse("factor", "dynamic scaling needs more than one rotary pair");
  }

  void set_yarn() {
    Yarn yarn;
    yarn.base = base_;
    yarn.factor = factor();
    yarn.original = static_cast<double>(original_context());
    yarn.beta_fast = scaling_->number_or("beta_fast", kDefaultBetaFast, 1e-3, 1e6);
    yarn.beta_slow = scaling_->number_or("beta_slow", kDefaultBetaSlow, 1e-3, 1e6);
    yarn.whole_pairs = scaling_->boolean_or("truncate", true);
    scale_yarn(rope_.inverse_frequencies, yarn);
    double magnitude = yarn_magnitude(yarn.factor);
    if (scaling_->has("mscale") && scaling_->has("mscale_all_dim"))
      magnitude = yarn_magnitude(yarn.factor, scaling_->number("mscale", 0, 1e3)) /
                  yarn_magnitude(yarn.factor, scaling_->number("mscale_all_dim", 0, 1e3));
    rope_.magnitude = scaling_->number_or("attention_factor", magnitude, 1e-3, 1e3);
  }

  void set_longrope() {
    const auto pairs = static_cast<std::size_t>(rope_.rotary / 2);
    rope_.longer.inverse_frequencies = rope_.inverse_frequencies;
    divide(rope_.longer.inverse_frequencies, scaling_->numbers("long_factor", pairs, 1e-3, kLargestFactor));
    divide(rope_.inverse_frequencies, scaling_->numbers("short_factor", pairs, 1e-3, kLargestFactor));
    rope_.longer.context = original_context();
    const auto original = static_cast<double>(rope_.longer.context);
    const double extension =
        config_.has("original_max_position_embeddings")
            ? static_cast<double>(config_.integer("max_position_embeddings", 1, kMostContext)) / original
            : scaling_->number_or("factor", 1, 1e-3, kLargestFactor);
    const double magnitude = extension <= 1 ? 1 : std::sqrt(1 + std::log(extension) / std::log(original));
    rope_.magnitude = scaling_->number_or("attention_factor", magnitude, 1e-3, 1e3);
  }

  const ConfigReader& config_;
  std::optional<ConfigReader> scaling_;
  double base_ = kDefaultBase;
  RopeAttributes rope_;
};

}  // namespace

std::vector<double> plain_frequencies(double base, int rotary) {
  std::vector<double> frequencies;
  for (int i = 0; i < rotary; i += 2) frequencies.push_back(std::pow(base, -static_cast<double>(i) / rotary));
  return frequencies;
}

double yarn_magnitude(double factor, double mscale) {
  return factor <= 1 ? 1 : 1 + 0.1 * mscale * std::log(factor);
}

RopeAttributes hugging_face_rope(const ConfigReader& config, int rotary, std::string_view layer_type) {
  return HuggingFaceRope(config, rotary, layer_type).make();
}

RopeAttributes gguf_rope(const ConfigReader& config, std::string_view prefix, int rotary, bool whole_pairs) {
  const auto key = [&](std::string_view name) { return fmt::format("{}.rope.{}", prefix, name); };
  RopeAttributes rope;
  rope.rotary = rotary;
  const double base = config.number_or(key("freq_base"), kDefaultBase, 1, kLargestBase);
  rope.inverse_frequencies = plain_frequencies(base, rotary);
  rope.magnitude = config.number_or(key("scaling.attn_factor"), 1, 1e-3, 1e3);
  // As llama.cpp reads them: a factor without a type means linear, and wins over the older key.
  const std::string type = config.text_or(key("scaling.type"), "linear");
  if (type == "none") return rope;
  if (type == "yarn") {
    Yarn yarn;
    yarn.base = base;
    yarn.factor = config.number(key("scaling.factor"), 1e-3, kLargestFactor);
    yarn.original =
        static_cast<double>(config.integer(key("scaling.original_context_length"), 1, kMostContext));
    yarn.beta_fast = config.number_or(key("scaling.yarn_beta_fast"), kDefaultBetaFast, 1e-3, 1e6);
    yarn.beta_slow = config.number_or(key("scaling.yarn_beta_slow"), kDefaultBetaSlow, 1e-3, 1e6);
    yarn.whole_pairs = whole_pairs;
    scale_yarn(rope.inverse_frequencies, yarn);
    rope.magnitude *= yarn_magnitude(yarn.factor);
    return rope;
  }
  if (type != "linear") config.refuse(key("scaling.type"), "not supported yet: none, linear and yarn are");
  if (config.has(key("scale_linear")) && !config.has(key("scaling.factor")))
    divide(rope.inverse_frequencies, config.number(key("scale_linear"), 1e-3, kLargestFactor));
  else if (config.has(key("scaling.factor")) || config.has(key("scaling.type")))
    divide(rope.inverse_frequencies, config.number(key("scaling.factor"), 1e-3, kLargestFactor));
  return rope;
}

namespace {

// The power of two times `context` that holds so many positions.
std::int64_t doubled(std::int64_t context, std::int64_t positions) {
  std::int64_t length = context;
  while (length < positions && length <= INT64_MAX / 2) length *= 2;
  return length;
}

}  // namespace

std::vector<double> frequencies_at(const RopeAttributes& rope, std::int64_t positions) {
  const LongRope& longer = rope.longer;
  if (longer.context == 0 || positions <= longer.context) return rope.inverse_frequencies;
  if (longer.ntk_base <= 0) return longer.inverse_frequencies;
  const std::int64_t length = longer.ntk_doubles ? doubled(longer.context, positions) : positions;
  const double excess = static_cast<double>(length) / static_cast<double>(longer.context);
  const double rotary = rope.rotary;
  const double raised = longer.ntk_factor * excess - (longer.ntk_factor - 1);
  return plain_frequencies(longer.ntk_base * std::pow(raised, rotary / (rotary - 2)), rope.rotary);
}

LengthRange lengths_rotating_as(const RopeAttributes& rope, std::int64_t positions) {
  const LongRope& longer = rope.longer;
  if (longer.context == 0) return {0, INT64_MAX};
  if (positions <= longer.context) return {0, longer.context};
  if (longer.ntk_base <= 0) return {longer.context + 1, INT64_MAX};
  if (!longer.ntk_doubles) return {positions, positions};
  const std::int64_t length = doubled(longer.context, positions);
  return {length / 2 + 1, length};
}

}  // namespace burin::graph
