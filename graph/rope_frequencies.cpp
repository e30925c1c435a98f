#include "graph/rope_frequencies.hpp"

#include <cmath>
#include <numbers>

#include "jit/error.hpp"

namespace burin::graph {
namespace {

constexpr double kDefaultBase = 10000;
constexpr double kLargestBase = 1e12;
constexpr double kLargestFactor = 1e6;
constexpr std::string_view kWhatWorks = "not supported yet: default, linear and llama3 are";

void divide(std::vector<double>& frequencies, double factor) {
  for (double& f : frequencies) f /= factor;
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

}  // namespace

std::vector<double> plain_frequencies(double base, int rotary) {
  std::vector<double> frequencies;
  for (int i = 0; i < rotary; i += 2) frequencies.push_back(std::pow(base, -static_cast<double>(i) / rotary));
  return frequencies;
}

std::vector<double> hugging_face_frequencies(const ConfigReader& config, int rotary) {
  const std::optional<ConfigReader> newer = config.object("rope_parameters");
  const std::optional<ConfigReader> older = config.object("rope_scaling");
  const ConfigReader& theta_at = newer && newer->has("rope_theta") ? *newer : config;
  std::vector<double> frequencies =
      plain_frequencies(theta_at.number_or("rope_theta", kDefaultBase, 1, kLargestBase), rotary);
  const std::optional<ConfigReader>& scaling = newer ? newer : older;
  if (!scaling) return frequencies;
  const std::string_view key = scaling->has("rope_type") ? "rope_type" : "type";
  const std::string type = scaling->text_or(key, "default");
  if (type == "linear")
    divide(frequencies, scaling->number("factor", 1e-3, kLargestFactor));
  else if (type == "llama3")
    scale_llama3(frequencies, *scaling);
  else if (type != "default")
    scaling->refuse(key, kWhatWorks);
  return frequencies;
}

std::vector<double> gguf_frequencies(const ConfigReader& config, std::string_view prefix, int rotary) {
  const auto key = [&](std::string_view name) { return fmt::format("{}.rope.{}", prefix, name); };
  std::vector<double> frequencies =
      plain_frequencies(config.number_or(key("freq_base"), kDefaultBase, 1, kLargestBase), rotary);
  // As llama.cpp reads them: a factor without a type means linear, and wins over the older key.
  const std::string type = config.text_or(key("scaling.type"), "linear");
  if (type == "none") return frequencies;
  if (type != "linear") config.refuse(key("scaling.type"), kWhatWorks);
  if (config.has(key("scale_linear")) && !config.has(key("scaling.factor")))
    divide(frequencies, config.number(key("scale_linear"), 1e-3, kLargestFactor));
  else if (config.has(key("scaling.factor")) || config.has(key("scaling.type")))
    divide(frequencies, config.number(key("scaling.factor"), 1e-3, kLargestFactor));
  return frequencies;
}

}  // namespace burin::graph
