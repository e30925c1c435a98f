// Many sessions and models at once, destroyed in any order; processes that fork; threads that are the host's.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "tests/api/demo_model.hpp"
#include "tests/support/child_process.hpp"

namespace burin::tests {
namespace {

using testing::Each;

LoadOptions options_of(int threads) {
  LoadOptions options = quiet_options();
  options.threads = threads;
  return options;
}

std::vector<TokenId> greedy_tokens(const Model& model, std::int64_t count) {
  Session session = value_of(Session::create(model));
  return value_of(session.generate(demo_reference().tokens, greedy(count))).tokens;
}

template <typename Work>
void in_threads(int count, Work&& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

TEST(ApiThreads, EightThreadsShareAModel) {
  const Model model = demo_model();
  const std::vector<TokenId> expected = greedy_tokens(model, 32);
  std::vector<std::vector<TokenId>> tokens(8);
  in_threads(8, [&](int i) {
    const Model own = model;  // handles are copied by many at once too
    tokens[static_cast<std::size_t>(i)] = greedy_tokens(own, 32);
    EXPECT_EQ(value_of(value_of(own.tokenizer()).encode(demo_reference().prompt)), demo_reference().tokens);
  });
  EXPECT_THAT(tokens, Each(expected));
}

TEST(ApiThreads, EightThreadsLoadModelsOfTheirOwn) {
  std::vector<std::vector<TokenId>> tokens(8);
  in_threads(8, [&](int i) {
    LoadOptions options = options_of(1 + i % 2);
    options.compute = i % 2 == 0 ? "f32" : "auto";
    tokens[static_cast<std::size_t>(i)] = greedy_tokens(demo_model(options), 16);
  });
  const std::vector<TokenId> greedy = demo_reference().greedy;
  EXPECT_THAT(tokens, Each(std::vector<TokenId>(greedy.begin(), greedy.begin() + 16)));
}

TEST(ApiThreads, EightThreadsWantOneSession) {
  Session session = demo_session();
  std::atomic<int> done{0};
  std::atomic<int> busy{0};
  in_threads(8, [&](int) {
    for (int i = 0; i < 8; ++i) {
      const auto result = session.evaluate(std::vector<TokenId>{50});
      if (result) ++done;
      if (!result && result.error().code == ErrorCode::busy) ++busy;
    }
  });
  EXPECT_EQ(done + busy, 64);
  EXPECT_GE(done, 1);
  EXPECT_EQ(session.position(), done);
}

TEST(ApiThreads, SessionsMoveBetweenThreads) {
  Session session = demo_session();
  for (const TokenId token : demo_reference().tokens)
    std::thread([&] { EXPECT_TRUE(session.evaluate({&token, 1})); }).join();
  EXPECT_EQ(value_of(session.sample()) >= 0, true);
  EXPECT_EQ(std::max_element(session.logits().begin(), session.logits().end()) - session.logits().begin(),
            demo_reference().greedy[0]);
}

// Two models, two sessions of each and their tokenizers, let go of in every order.
TEST(ApiLifetimes, AnyOrderOfDestruction) {
  std::array<int, 4> order = {0, 1, 2, 3};
  do {
    std::optional<Model> model = demo_model(options_of(1));
    std::optional<Tokenizer> tokenizer = value_of(model->tokenizer());
    std::optional<Session> first = value_of(Session::create(*model));
    std::optional<Session> second = value_of(Session::create(*model));
    const auto use = [&] {
      for (std::optional<Session>* session : {&first, &second})
        EXPECT_TRUE(!*session || (*session)->generate("x", {.max_new_tokens = 2}).has_value());
      EXPECT_TRUE(!tokenizer || value_of(tokenizer->encode("R")).size() == 1);
    };
    for (const int which : order) {
      if (which == 0) model.reset();
      if (which == 1) tokenizer.reset();
      if (which == 2) first.reset();
      if (which == 3) second.reset();
      use();
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(ApiLifetimes, ASessionEndsOnAnotherThreadThanItsOwn) {
  std::optional<Session> session = demo_session();
  ASSERT_TRUE(session->evaluate(std::vector<TokenId>{50}));
  std::thread([&] { session.reset(); }).join();
}

// The library is loaded and has been asked for its version: no thread or lock is in the child's way.
TEST(ApiFork, BeforeFirstUse) {
  EXPECT_FALSE(version().empty());
  EXPECT_EQ(in_child([] { return greedy_tokens(demo_model(), 16).size() == 16; }), 0);
  EXPECT_EQ(greedy_tokens(demo_model(), 16).size(), 16u);  // and the parent goes on
}

TEST(ApiFork, TwoChildrenAndTheParentAtOnce) {
  const auto work = [] { return greedy_tokens(demo_model(), 32).size() == 32; };
  const ChildProcess first(work);
  const ChildProcess second(work);
  EXPECT_TRUE(work());
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(second.wait(), 0);
}

// Names of the threads of this process that the library has started.
int library_threads() {
  int count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(task.path() / "comm") >> name;
    if (name.starts_with("burin-")) ++count;
  }
  return count;
}

// Fresh threads for each call; counts what is asked of it.
class CountingExecutor : public Executor {
 public:
  explicit CountingExecutor(int threads) : threads_(threads) {}
  int concurrency() const noexcept override { return threads_; }
  void run(int count, void (*body)(void* context, int index), void* context) override {
    ++calls;
    most = std::max(most.load(), count);
    std::vector<std::thread> threads;
    for (int i = 1; i < count; ++i) threads.emplace_back(body, context, i);
    body(context, 0);
    for (std::thread& thread : threads) thread.join();
  }
  std::atomic<int> calls{0};
  std::atomic<int> most{0};

 private:
  int threads_;
};

TEST(ApiExecutor, ComputesOnTheHostsThreads) {
  const auto executor = std::make_shared<CountingExecutor>(3);
  LoadOptions options = options_of(0);
  options.executor = executor;
  const Model model = demo_model(options);
  EXPECT_EQ(model.threads(), 3);
  Session session = value_of(Session::create(model));
  const int before = executor->calls;
  int started = 0;
  const auto look = [&](TokenId, std::string_view) {
    started += library_threads();
    return true;
  };
  EXPECT_EQ(value_of(session.generate(demo_reference().tokens, greedy(96), look)).tokens,
            demo_reference().greedy);
  EXPECT_EQ(started, 0);
  EXPECT_GT(executor->calls - before, 96);
  EXPECT_EQ(executor->most, 3);
  EXPECT_EQ(library_threads(), 0);
  {
    const Session other = demo_session(options_of(3));  // without an executor they are the library's
    EXPECT_EQ(library_threads(), 2);
  }
}

TEST(ApiExecutor, EightThreadsCallIt) {
  LoadOptions options = options_of(2);
  options.executor = std::make_shared<CountingExecutor>(2);
  const Model model = demo_model(options);
  std::vector<std::vector<TokenId>> tokens(8);
  in_threads(8, [&](int i) { tokens[static_cast<std::size_t>(i)] = greedy_tokens(model, 8); });
  EXPECT_THAT(tokens, Each(tokens[0]));
}

TEST(ApiExecutor, LivesAsLongAsItsUsers) {
  auto executor = std::make_shared<CountingExecutor>(2);
  const std::weak_ptr<CountingExecutor> watched = executor;
  std::optional<Session> session;
  {
    LoadOptions options = options_of(2);
    options.executor = std::move(executor);
    session = demo_session(options);
  }
  EXPECT_FALSE(watched.expired());
  EXPECT_TRUE(session->evaluate(std::vector<TokenId>{50}));
  session.reset();
  EXPECT_TRUE(watched.expired());
}

// As CountingExecutor, but for what a test makes of it.
class BadExecutor : public Executor {
 public:
  using Run = std::function<void(int, void (*)(void*, int), void*)>;
  explicit BadExecutor(Run run) : run_(std::move(run)) {}
  int concurrency() const noexcept override { return 2; }
  void run(int count, void (*body)(void* context, int index), void* context) override {
    run_(count, body, context);
  }

 private:
  Run run_;
};

Result<Model> load_on(BadExecutor::Run run, int threads = 2) {
  LoadOptions options = options_of(threads);
  options.executor = std::make_shared<BadExecutor>(std::move(run));
  return Model::load(kDemo, options);
}

TEST(ApiExecutor, ThatDoesNotKeepItsWordIsRefused) {
  const auto nothing = [](int, void (*)(void*, int), void*) {};
  EXPECT_TRUE(fails(load_on(nothing), ErrorCode::load_failed, "executor: 0 of 2 bodies were run"));
  EXPECT_TRUE(fails(load_on(nothing, 3), ErrorCode::load_failed, "threads: 3 are more than the 2"));
  const auto in_turn = [](int count, void (*body)(void*, int), void* context) {
    for (int i = 0; i < count; ++i) body(context, i);
  };
  EXPECT_TRUE(fails(load_on(in_turn), ErrorCode::load_failed, "does not run 2 bodies at once"));
  const auto thrower = [](int, void (*)(void*, int), void*) { throw std::runtime_error("no threads left"); };
  EXPECT_TRUE(
      fails(load_on(thrower), ErrorCode::callback_threw, "executor: threw an exception: no threads left"));
}

}  // namespace
}  // namespace burin::tests
