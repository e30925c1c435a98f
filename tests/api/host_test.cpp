// The library is a guest: what it must not do to the process and the threads it runs in.
#include <fenv.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include <xmmintrin.h>

#include <array>
#include <clocale>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <locale>
#include <thread>

#include "tests/api/demo_model.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

// Everything that talks: warnings about the cache, failures, text.
void use_everything() {
  LoadOptions options = quiet_options();
  options.cache_folder = "/proc/no/cache/can/be/here";
  Session session = demo_session(options);
  EXPECT_TRUE(session.generate("ROMEO:", {.max_new_tokens = 8}));
  EXPECT_FALSE(session.generate(std::vector<TokenId>{100000}));
  EXPECT_FALSE(Model::load("/none"));
  EXPECT_TRUE(Model::from_pretrained(kDemo, {.load_in_4bit = true, .load = quiet_options()}));
}

// All that a host can have set, of the process and of the calling thread.
struct HostState {
  std::array<void (*)(int), 65> handlers = {};
  std::string locale;
  std::string cpp_locale;
  int rounding = 0;
  unsigned int mxcsr = 0;
  cpu_set_t cpus = {};
  sigset_t blocked = {};
  std::string name;

  static HostState now() {
    HostState state;
    for (int number = 1; number < 65; ++number) {
      struct sigaction action = {};
      if (sigaction(number, nullptr, &action) == 0)
        state.handlers[static_cast<std::size_t>(number)] = action.sa_handler;
    }
    state.locale = std::setlocale(LC_ALL, nullptr);
    state.cpp_locale = std::locale().name();
    state.rounding = fegetround();
    state.mxcsr = _mm_getcsr() & ~0x3fu;  // without the sticky exception flags
    sched_getaffinity(0, sizeof(state.cpus), &state.cpus);
    pthread_sigmask(SIG_BLOCK, nullptr, &state.blocked);
    std::ifstream("/proc/thread-self/comm") >> state.name;
    return state;
  }
};

void expect_same(const HostState& before, const HostState& after) {
  EXPECT_EQ(before.handlers, after.handlers);
  EXPECT_EQ(before.locale, after.locale);
  EXPECT_EQ(before.cpp_locale, after.cpp_locale);
  EXPECT_EQ(before.rounding, after.rounding);
  EXPECT_EQ(before.mxcsr, after.mxcsr);
  EXPECT_TRUE(CPU_EQUAL(&before.cpus, &after.cpus));
  EXPECT_EQ(std::memcmp(&before.blocked, &after.blocked, sizeof(sigset_t)), 0);
  EXPECT_EQ(before.name, after.name);
}

TEST(ApiHost, ProcessAndThreadStayAsTheyWere) {
  const HostState before = HostState::now();
  use_everything();
  expect_same(before, HostState::now());
}

TEST(ApiHost, UnusualSettingsStayToo) {
  std::thread([] {
    fesetround(FE_UPWARD);
    _mm_setcsr(_mm_getcsr() | 0x8040);  // flush to zero, denormals are zero
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    const HostState before = HostState::now();
    use_everything();
    expect_same(before, HostState::now());
  }).join();
}

TEST(ApiHost, ThreadsOfAnExecutorStayAsTheyWere) {
  class Checking : public Executor {
   public:
    int concurrency() const noexcept override { return 2; }
    void run(int count, void (*body)(void* context, int index), void* context) override {
      const auto checked = [&](int i) {
        const HostState before = HostState::now();
        body(context, i);
        expect_same(before, HostState::now());
      };
      std::thread other;
      if (count == 2) other = std::thread(checked, 1);
      checked(0);
      if (other.joinable()) other.join();
    }
  };
  LoadOptions options = quiet_options();
  options.executor = std::make_shared<Checking>();
  Session session = demo_session(options);
  EXPECT_TRUE(session.generate("ROMEO:", {.max_new_tokens = 2}));
}

TEST(ApiHost, NothingIsPrinted) {
  const TemporaryFolder folder;
  const std::string path = (folder / "printed").string();
  EXPECT_EQ(in_child([&] {
              if (std::freopen(path.c_str(), "w", stdout) == nullptr) return false;
              if (dup2(fileno(stdout), STDERR_FILENO) < 0) return false;
              use_everything();
              std::fflush(nullptr);
              return !testing::Test::HasFailure();
            }),
            0);
  EXPECT_EQ(std::filesystem::file_size(path), 0u);
}

// CPU time of all threads but the caller, in clock ticks.
long ticks_of_other_threads() {
  long ticks = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == std::to_string(gettid())) continue;
    std::ifstream file(task.path() / "stat");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string field;
    for (int i = 3; i <= 13; ++i) fields >> field;
    long user = 0;
    long system = 0;
    fields >> user >> system;
    ticks += user + system;
  }
  return ticks;
}

// Of 300 ms, a spinning thread would take 30 ticks; one may fall on either side of a boundary.
TEST(ApiHost, NothingSpinsBetweenCalls) {
  Session session = demo_session();
  ASSERT_TRUE(session.generate("ROMEO:", {.max_new_tokens = 4}));
  const long before = ticks_of_other_threads();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LE(ticks_of_other_threads() - before, 1);
}

TEST(ApiHost, SourcesTouchNothingOfTheHost) {
  // pthread_setaffinity_np: of the pool's own threads only; signal masks: while threads are started.
  const std::vector<std::pair<std::string, std::string>> forbidden = {
      {"std::cout", ""},
      {"std::cerr", ""},
      {"printf(", ""},
      {"fmt::print", ""},
      {"std::puts(", ""},
      {"fputs(", ""},
      {"setlocale", ""},
      {"sigaction(", ""},
      {"signal(", ""},
      {"fesetround", ""},
      {"_mm_setcsr", ""},
      {"exit(", ""},
      {"abort(", ""},
      {"std::terminate", ""},
      {"perror(", ""},
      {"setaffinity", "runtime/thread_pool.cpp"},
      {"getenv", "runtime/environment.cpp"}};
  const std::filesystem::path root = BURIN_SOURCE_DIR;
  int files = 0;
  for (const char* layer : {"jit", "templates", "graph", "runtime", "include"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / layer)) {
      if (!entry.is_regular_file()) continue;
      ++files;
      std::ifstream file(entry.path());
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      const std::string path = std::filesystem::relative(entry.path(), root).string();
      for (const auto& [call, allowed] : forbidden)
        EXPECT_TRUE(path == allowed || text.find(call) == std::string::npos) << path << " has " << call;
    }
  EXPECT_GT(files, 200);
}

}  // namespace
}  // namespace burin::tests
