// Two models, several threads, one executor: two_models MODEL MODEL
//
// Each thread asks both models in turn, in sessions of its own, while the others do the same. Computing happens
// on threads that this program owns: a gang per parallel section, so that all bodies of one truly run at once.
#include <burin/burin.hpp>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kCallers = 4;

// The simplest executor that keeps the promise: fresh threads for every section. A real host has them waiting.
class FreshThreads : public burin::Executor {
 public:
  int concurrency() const noexcept override { return 2; }
  void run(int count, void (*body)(void* context, int index), void* context) override {
    std::vector<std::thread> threads;
    for (int i = 1; i < count; ++i) threads.emplace_back(body, context, i);
    body(context, 0);
    for (std::thread& thread : threads) thread.join();
  }
};

// Greedy text of a model; empty where that failed.
std::string ask(const burin::Model& model, const std::string& prompt) {
  auto session = burin::Session::create(model, {.sampling = {.temperature = 0}});
  if (!session) return std::fprintf(stderr, "two_models: %s\n", session.error().message.c_str()), "";
  const auto answer = session->generate(prompt, {.max_new_tokens = 16});
  if (!answer) return std::fprintf(stderr, "two_models: %s\n", answer.error().message.c_str()), "";
  return answer->text;
}

struct Answers {
  std::string first;
  std::string second;
  bool operator==(const Answers&) const = default;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return std::fprintf(stderr, "usage: two_models MODEL MODEL\n"), 2;
  const burin::LoadOptions ours = {.executor = std::make_shared<FreshThreads>()};
  const auto first = burin::Model::load(arguments[1], ours);
  const auto second = burin::Model::from_pretrained(arguments[2], {.load_in_4bit = true});  // its own threads
  for (const auto* model : {&first, &second})
    if (!*model) return std::fprintf(stderr, "two_models: %s\n", model->error().message.c_str()), 1;

  std::vector<Answers> answers(kCallers);
  std::vector<std::thread> callers;
  for (Answers& own : answers)
    callers.emplace_back([&] { own = {ask(*first, "ROMEO:"), ask(*second, "JULIET:")}; });
  for (std::thread& caller : callers) caller.join();

  std::printf("%s\n%s\n", answers[0].first.c_str(), answers[0].second.c_str());
  for (const Answers& own : answers)
    if (own != answers[0] || own.first.empty() || own.second.empty())
      return std::fprintf(stderr, "two_models: an answer is missing or another thread's is different\n"), 1;
}
