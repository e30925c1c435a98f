#include "tools/beam_options.hpp"

#include "tools/command.hpp"

namespace burin::tools {

CLI::Option* add_beam_options(CLI::App& command, runtime::BeamSearchOptions& beams) {
  CLI::Option* count =
      command.add_option("--beams,--num-beams", beams.beams,
                         "Look for the most probable text with so many beams, in place of sampling; 1: greedy. "
                         "It is printed once it is decided, not token by token");
  count->check(CLI::Range(1, runtime::kMostBeams));
  command
      .add_option("--length-penalty", beams.length_penalty,
                  "Divide scores by length^F: above 0 favours long texts (default 1)")
      ->check(CLI::Range(-10.0, 10.0))
      ->needs(count);
  command
      .add_flag("--early-stopping", beams.early_stopping,
                "End as soon as there are as many finished texts as beams, even if better ones could come")
      ->needs(count);
  command
      .add_option("--min-new-tokens", beams.min_new_tokens,
                  "The text does not end before so many tokens (default 0)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40))
      ->needs(count);
  return count;
}

void refuse_beside_beams(const std::vector<CLI::Option*>& sampling) {
  for (const CLI::Option* option : sampling)
    if (option->count() > 0)
      wrong_usage("{0}: beam search does not sample: give either {0} or --beams", option->get_name());
}

}  // namespace burin::tools
