#include "tools/commands/bench/endless.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

#include "graph/plan.hpp"
#include "runtime/perplexity.hpp"
#include "runtime/sampling/model_vocabulary.hpp"
#include "tools/command.hpp"
#include "tools/commands/bench/median.hpp"
#include "tools/progress_bar.hpp"

namespace burin::tools {
namespace {

constexpr std::int64_t kParts = 10;

// Of this process now; 0 where the system does not say.
double resident_mib() {
  std::ifstream file("/proc/self/statm");
  std::int64_t whole = 0;
  std::int64_t resident = 0;
  file >> whole >> resident;
  return static_cast<double>(resident) * 4096 / 1048576;
}

double seconds_to_evaluate(runtime::Session& session, runtime::TokenId token) {
  const auto begin = std::chrono::steady_clock::now();
  session.evaluate({&token, 1});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

runtime::TokenId some_token(const runtime::Model& model) {
  return 1 % static_cast<runtime::TokenId>(model.vocabulary_size());
}

// The last token of a context that has just become full, again and again: what has never been discarded from. Machines
// get slower and faster over minutes; what is measured in between tells that from a sequence that gets slower.
class FullContext {
 public:
  FullContext(const std::shared_ptr<const runtime::Model>& model)
      : session_(model), token_(some_token(*model)), before_(model->context_length() - 1) {
    session_.evaluate(std::vector<runtime::TokenId>(static_cast<std::size_t>(before_), token_));
  }

  double seconds() {
    session_.truncate(before_);
    return seconds_to_evaluate(session_, token_);
  }

 private:
  runtime::Session session_;
  runtime::TokenId token_;
  std::int64_t before_;
};

class EndlessText {
 public:
  EndlessText(runtime::Session& session, const std::shared_ptr<const runtime::Model>& model)
      : session_(session), sampler_(runtime::plain_sampling(), runtime::vocabulary_of(*model)), full_(model) {
    const runtime::TokenId first = some_token(*model);
    session_.evaluate({&first, 1});
    while (session_.position() < model->context_length()) next();
  }

  nlohmann::json part(std::int64_t tokens) {
    std::vector<double> seconds;
    std::vector<double> full_seconds;
    seconds.reserve(static_cast<std::size_t>(tokens));
    surprise_ = 0;
    for (std::int64_t i = 0; i < tokens; ++i) {
      if (i % kTokensPerFullContext == 0) full_seconds.push_back(full_.seconds());
      seconds.push_back(next());
    }
    const double typical = median(seconds);
    return {{"tokens", tokens},
            {"position", session_.position()},
            {"microseconds_per_token", 1e6 * typical},
            {"to_full_context", typical / median(full_seconds)},
            {"perplexity", std::exp(surprise_ / static_cast<double>(tokens))},
            {"kv_cache_mib", static_cast<double>(session_.cache_bytes()) / 1048576},
            {"resident_mib", resident_mib()}};
  }

 private:
  static constexpr std::int64_t kTokensPerFullContext = 4;

  // Seconds that evaluating the next token took.
  double next() {
    const runtime::TokenId token = sampler_.sample(session_.logits());
    surprise_ += runtime::surprise(session_.logits(), token);
    return seconds_to_evaluate(session_, token);
  }

  runtime::Session& session_;
  runtime::Sampler sampler_;
  FullContext full_;
  double surprise_ = 0;
};

void print_text(const nlohmann::json& result) {
  fmt::print("{} for {}: context {}, of which {} stay, {} go at once\n", result["model"].get<std::string>(),
             result["target"].get<std::string>(), result["context"].get<std::int64_t>(),
             result["keep"].get<std::int64_t>(), result["discard"].get<std::int64_t>());
  fmt::print("{:>12}  {:>12}  {:>12}  {:>11}  {:>10}  {:>10}\n", "position", "us per token", "to unwrapped",
             "perplexity", "cache MiB", "resident");
  for (const nlohmann::json& part : result["parts"])
    fmt::print("{:>12}  {:>12.2f}  {:>12.4f}  {:>11.3f}  {:>10.2f}  {:>10.1f}\n",
               part["position"].get<std::int64_t>(), part["microseconds_per_token"].get<double>(),
               part["to_full_context"].get<double>(), part["perplexity"].get<double>(),
               part["kv_cache_mib"].get<double>(), part["resident_mib"].get<double>());
  fmt::print(
      "to unwrapped: the last token of a full context that was never discarded from takes 1\n"
      "measured by that, the last part takes {:.2f} % of the first one's time per token\n",
      100 * result["last_to_first"].get<double>());
}

}  // namespace

void bench_endless(const CommonOptions& options, const std::shared_ptr<const runtime::Model>& model,
                   std::int64_t tokens) {
  CommonOptions endless = options;
  if (!endless.keep && !endless.discard) endless.discard = -1;
  const std::unique_ptr<runtime::Session> session = make_session(endless, model);
  EndlessText text(*session, model);
  nlohmann::json parts = nlohmann::json::array();
  ProgressBar progress("decoding");
  for (std::int64_t part = 0; part < kParts; ++part) {
    parts.push_back(text.part(tokens / kParts));
    progress(static_cast<double>(part + 1) / kParts);
  }
  const double ratio =
      parts.back()["to_full_context"].get<double>() / parts.front()["to_full_context"].get<double>();
  const nlohmann::json result = {{"model", model->plan().model},
                                 {"target", model->target_name()},
                                 {"threads", model->threads()},
                                 {"context", model->context_length()},
                                 {"keep", session->options().keep},
                                 {"discard", session->options().discard},
                                 {"parts", parts},
                                 {"last_to_first", ratio}};
  if (options.json)
    print_json(result);
  else
    print_text(result);
}

}  // namespace burin::tools
