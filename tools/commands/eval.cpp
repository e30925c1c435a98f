// burin eval: logits after given tokens, or the perplexity of a text.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <numeric>

#include "graph/plan.hpp"
#include "runtime/perplexity.hpp"
#include "tools/command.hpp"
#include "tools/commands/eval_trace.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

struct EvalOptions {
  CommonOptions common;
  std::string tokens;
  std::string perplexity;
  std::string task;
  std::string full;
  int top = 10;
  bool all_positions = false;
  bool trace = false;
};

// [[id, logit], ...] of the largest logits; of equal ones the lower id first.
nlohmann::json top_logits(std::span<const float> logits, int count) {
  std::vector<int> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto shown =
      static_cast<std::ptrdiff_t>(std::min<std::size_t>(static_cast<std::size_t>(count), ids.size()));
  const auto larger = [&](int a, int b) {
    const float x = logits[static_cast<std::size_t>(a)];
    const float y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  std::partial_sort(ids.begin(), ids.begin() + shown, ids.end(), larger);
  nlohmann::json top = nlohmann::json::array();
  for (std::ptrdiff_t i = 0; i < shown; ++i) {
    const int id = ids[static_cast<std::size_t>(i)];
    top.push_back({id, logits[static_cast<std::size_t>(id)]});
  }
  return top;
}

// Rows of float32, little endian, written as they come.
class LogitsFile {
 public:
  explicit LogitsFile(const std::string& path) : path_(path) {
    if (path_.empty()) return;
    file_.open(path_, std::ios::binary);
    if (!file_) fail("{}: cannot be opened for writing", path_);
  }
  void add(std::span<const float> row) {
    if (path_.empty()) return;
    file_.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size_bytes()));
    if (!file_) fail("{}: cannot be written: is the disk full?", path_);
  }
  void close() {
    if (path_.empty()) return;
    file_.close();
    if (!file_) fail("{}: cannot be written: is the disk full?", path_);
  }

 private:
  std::string path_;
  std::ofstream file_;
};

void print_top(const nlohmann::json& top) {
  for (const nlohmann::json& entry : top)
    fmt::print("{:>8}  {:.6f}\n", entry[0].get<int>(), entry[1].get<double>());
}

std::vector<runtime::TokenId> tokens_of(const EvalOptions& options) {
  std::vector<runtime::TokenId> tokens = parse_tokens(options.tokens);
  if (tokens.empty()) wrong_usage("--tokens: there is no token: give ids as in 1,2,3");
  return tokens;
}

void evaluate_tokens(const EvalOptions& options) {
  const std::vector<runtime::TokenId> tokens = tokens_of(options);
  const std::shared_ptr<const runtime::Model> model = load_model(options.common);
  const std::unique_ptr<runtime::Session> session = make_session(options.common, model);
  LogitsFile full(options.full);
  nlohmann::json tops = nlohmann::json::array();
  if (options.all_positions || !options.full.empty()) {
    const std::function<void(std::span<const float>)> sink = [&](std::span<const float> logits) {
      full.add(logits);
      if (options.all_positions) tops.push_back(top_logits(logits, options.top));
    };
    session->evaluate(tokens, runtime::LogitsWanted::all, &sink);
    full.close();
  } else {
    session->evaluate(tokens);
  }
  if (!options.all_positions) tops = top_logits(session->logits(), options.top);
  if (options.common.json) {
    print_json({{"positions", tokens.size()}, {"vocabulary", model->vocabulary_size()}, {"top", tops}});
  } else if (options.all_positions) {
    for (std::size_t i = 0; i < tops.size(); ++i) {
      fmt::print("position {}\n", i);
      print_top(tops[i]);
    }
  } else {
    print_top(tops);
  }
}

void trace_tokens(const EvalOptions& options) {
  if (options.all_positions || !options.full.empty())
    wrong_usage("--trace: is of the last position's logits: leave out --all-positions and --full");
  const std::vector<runtime::TokenId> tokens = tokens_of(options);
  const std::shared_ptr<const runtime::Model> model = load_model(options.common);
  const std::unique_ptr<runtime::Session> session = make_session(options.common, model);
  if (!options.common.json) {
    print_trace(*session, tokens);
    fmt::print("\nlargest logits\n");
    return print_top(top_logits(session->logits(), options.top));
  }
  nlohmann::json steps = trace_json(*session, tokens);
  print_json({{"positions", tokens.size()},
              {"vocabulary", session->logits().size()},
              {"trace", std::move(steps)},
              {"top", top_logits(session->logits(), options.top)}});
}

void evaluate_perplexity(EvalOptions& options) {
  const std::string text = read_file(options.perplexity);
  const bool asked = options.common.context > 0;
  if (!asked) options.common.context = 512;
  const std::shared_ptr<const runtime::Model> model = load_model(options.common);
  runtime::Session session(model);
  const runtime::Perplexity result = runtime::perplexity(session, *model, text);
  if (options.common.json) {
    print_json(
        {{"perplexity", result.value}, {"tokens", result.counted}, {"top1_accuracy", result.top1_accuracy}});
    return;
  }
  fmt::print("perplexity {:.6f} over {} tokens (windows of {}), most likely token right {:.2f} %\n",
             result.value, result.counted, options.common.context, 100 * result.top1_accuracy);
}

void run(EvalOptions& options, bool has_tokens) {
  if (!options.task.empty())
    wrong_usage("--task {}: not supported yet: use --tokens or --perplexity", options.task);
  if (!has_tokens && (options.common.keep || options.common.discard))
    wrong_usage("--keep and --discard: are for --tokens: each window of --perplexity begins anew");
  if (has_tokens == !options.perplexity.empty()) wrong_usage("eval: give either --tokens or --perplexity");
  if (options.trace && !has_tokens) wrong_usage("--trace: needs --tokens");
  if (options.trace)
    trace_tokens(options);
  else if (has_tokens)
    evaluate_tokens(options);
  else
    evaluate_perplexity(options);
}

}  // namespace

void add_eval_command(CLI::App& app) {
  const auto options = std::make_shared<EvalOptions>();
  CLI::App* command = app.add_subcommand("eval", "Logits after given tokens, or the perplexity of a text");
  command->footer(
      "Example: burin eval demo/shakespeare-q8_0.gguf --tokens 50,47,45 --top 5\n"
      "         burin eval demo/shakespeare-q8_0.gguf --perplexity text.txt -c 256\n"
      "         burin eval demo/shakespeare-q8_0.gguf --tokens 50,47,45 --trace");
  add_model_option(*command, options->common);
  CLI::Option* tokens = command->add_option("--tokens", options->tokens, "Token ids: 1,2,3 or @FILE");
  command->add_option("--perplexity", options->perplexity, "Text file to measure")->excludes(tokens);
  command->add_option("--task", options->task, "lambada, piqa, ... (not supported yet)");
  command->add_option("--top", options->top, "How many logits to show (default 10)")
      ->check(CLI::Range(1, 1 << 24));
  command->add_flag("--all-positions", options->all_positions, "Show them for every position");
  command->add_option("--full", options->full, "Write all logits as float32 rows to this file");
  command->add_flag("--trace", options->trace, "Print a checksum and norms of every step's output");
  add_streaming_options(*command, options->common);
  add_compute_options(*command, options->common);
  add_json_option(*command, options->common);
  command->callback([=] { run(*options, tokens->count() > 0); });
}

}  // namespace burin::tools
