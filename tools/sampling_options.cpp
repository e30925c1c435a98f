#include "tools/sampling_options.hpp"

#include <limits>
#include <string>

namespace burin::tools {
namespace {

// CLI11 lets negative numbers wrap.
std::string is_not_negative(const std::string& text) {
  return text.starts_with('-') ? text + " is negative: give 0 or more" : "";
}

}  // namespace

void add_sampling_options(CLI::App& command, runtime::SamplingOptions& sampling) {
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
  command
      .add_option("--repeat-penalty", sampling.repeat_penalty, "Penalise recent tokens; 1: off (default 1)")
      ->check(CLI::Range(0.01, 100.0));
  command
      .add_option("--repeat-last", sampling.repeat_last,
                  "How many tokens the penalty looks back (default 64)")
      ->check(CLI::Range(0, 1 << 20));
  command.add_option("--seed", sampling.seed, "The same seed gives the same text (default 0)")
      ->check(is_not_negative);
}

}  // namespace burin::tools
