// burin bench: chooses what is measured.
#include "runtime/files/model_file.hpp"
#include "runtime/synthetic/description.hpp"
#include "tools/command.hpp"
#include "tools/commands/bench/endless.hpp"
#include "tools/commands/bench/options.hpp"
#include "tools/commands/bench/save.hpp"
#include "tools/commands/bench/speed.hpp"
#include "tools/commands/bench/startup.hpp"

namespace burin::tools {
namespace {

graph::Plan plan_without_weights(const BenchOptions& options) {
  const runtime::LoadOptions load = load_options(options.common);
  const auto plan_of = [&](const graph::ModelDescription& description) {
    return graph::make_plan(description, jit::parse_target(load.target), load.plan);
  };
  return options.synthetic.empty() ? plan_of(runtime::ModelFile::open(options.common.model)->description())
                                   : plan_of(runtime::synthetic_description(options.synthetic));
}

void run(BenchOptions& options) {
  if (options.common.model.empty() == options.synthetic.empty())
    wrong_usage("bench: give either MODEL or --synthetic SHAPE");
  if (!options.synthetic.empty())
    from_arguments([&] { static_cast<void>(runtime::synthetic_description(options.synthetic)); });
  if (!options.save.empty()) return save_synthetic(options);
  if (options.startup) return bench_startup(options.common, plan_without_weights(options), options.repeats);
  if (options.endless == 0 && (options.common.keep || options.common.discard))
    wrong_usage("--keep and --discard: are for --endless");
  if (options.common.context == 0 && options.endless == 0)
    options.common.context = options.depth + options.prompt + options.batch * options.generate + 1;
  const std::shared_ptr<const runtime::Model> model =
      options.synthetic.empty() ? load_model(options.common)
                                : runtime::Model::synthetic(options.synthetic, load_options(options.common));
  if (!options.synthetic.empty()) print_notes(options.common, *model);
  if (options.endless > 0) return bench_endless(options.common, model, options.endless);
  bench_speed(options, model);
}

}  // namespace

void add_bench_command(CLI::App& app) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "Prefill and decode speed next to this machine's limits");
  command->footer(
      "Example: burin bench --synthetic llama-7b:8 --weights int4 --group 32 -p 512 -n 32\n"
      "         burin bench --synthetic llama-7b:8 --weights int4 --save q4_0.gguf     (for other engines)");
  command->add_option("MODEL", options->common.model, "GGUF file or Hugging Face folder");
  command->add_option("--synthetic", options->synthetic,
                      "Random weights of a known shape: llama-7b[:LAYERS[:VOCABULARY]], ...");
  command->add_option("-p,--prompt", options->prompt, "Tokens of the prefill (default 512; 0: none)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 20));
  command->add_option("-n,--generate", options->generate, "Steps to decode (default 32; 0: none)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 20));
  command->add_option("-d,--depth", options->depth, "Tokens in the cache before (default 0)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 20));
  command->add_option("-r,--repeats", options->repeats, "Repeats; medians are printed (default 5)")
      ->check(CLI::Range(1, 1000));
  command
      ->add_option("--batch", options->batch,
                   "Rows decoded at once, as when tokens are guessed (default 1); more are compared with one")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--startup", options->startup,
                    "Measure the start instead: emitting kernels, loading them from the cache");
  command
      ->add_option(
          "--endless", options->endless,
          "Decode so many tokens past a full context instead: time, perplexity and memory of ten parts")
      ->check(CLI::Range(std::int64_t{10}, std::int64_t{1} << 40));
  add_streaming_options(*command, options->common);
  command->add_option("--save", options->save,
                      "Write the synthetic model as a GGUF file instead of running it");
  add_compute_options(*command, options->common);
  add_json_option(*command, options->common);
  command->callback([=] { run(*options); });
}

}  // namespace burin::tools
