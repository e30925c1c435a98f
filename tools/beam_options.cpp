#include "tools/beam_options.hpp"

namespace burin::tools {

CLI::Option* add_beam_options(CLI::App& command, runtime::BeamSearchOptions& beams,
                              const std::vector<CLI::Option*>& sampling) {
  CLI::Option* count =
      command.add_option("--beams,--num-beams", beams.beams,
                         "Look for the most probable text with N beams, in place of sampling; "
                         "1: greedy. It is printed when it is decided, not before");
  count->check(CLI::Range(1, runtime::kMostBeams));
  for (CLI::Option* option : sampling) count->excludes(option);
  command
      .add_option("--length-penalty", beams.length_penalty,
                  "Divide scores by length^F: above 0 favours long texts (default 1)")
      ->check(CLI::Range(-10.0, 10.0))
      ->needs(count);
  command
      .add_flag("--early-stopping", beams.early_stopping,
                "End as soon as there are N finished texts, even if better ones could come")
      ->needs(count);
  command
      .add_option("--min-new-tokens", beams.min_new_tokens,
                  "The text does not end before so many tokens (default 0)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40))
      ->needs(count);
  return count;
}

}  // namespace burin::tools
