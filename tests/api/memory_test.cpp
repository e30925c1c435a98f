// Memory that is refused is an error, wherever that happens.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <new>

#include "tests/api/demo_model.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/failing_new.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

// Where a sanitizer's shadow memory or allocator is in the way.
#ifdef BURIN_TESTS_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

std::size_t address_space_in_use() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

void limit_address_space(std::size_t more) {
  const rlim_t bytes = address_space_in_use() + more;
  const rlimit limit = {bytes, bytes};
  if (setrlimit(RLIMIT_AS, &limit) != 0) std::abort();
}

TEST(ApiMemory, AContextThatDoesNotFitIsRefused) {
  if (kSanitized) GTEST_SKIP() << "skipped: the sanitizer needs the address space";
  EXPECT_EQ(in_child([] {
              limit_address_space(std::size_t{256} << 20);
              LoadOptions options = quiet_options();
              options.context = std::int64_t{1} << 24;
              const auto model = Model::load(kDemo, options);
              if (!model) return false;
              const auto session = Session::create(*model, {.reserve_memory = true});
              if (!fails(session, ErrorCode::out_of_memory, "bytes of memory are refused")) return false;
              const auto small = Model::load(kDemo, quiet_options());  // and all goes on
              return small && Session::create(*small).has_value();
            }),
            0);
}

TEST(ApiMemory, ACacheThatCannotGrowIsRefused) {
  if (kSanitized) GTEST_SKIP() << "skipped: the sanitizer needs the address space";
  EXPECT_EQ(in_child([] {
              LoadOptions options = quiet_options();
              options.context = std::int64_t{1} << 20;
              Session session = demo_session(options);
              limit_address_space(std::size_t{4} << 20);
              const std::vector<TokenId> tokens(256, 50);
              Result<void> result;
              while (result) result = session.evaluate(tokens);
              if (!fails(result, ErrorCode::out_of_memory, "KV cache")) return false;
              return session.position() > 256 && session.reset() &&
                     session.evaluate(tokens);  // and all goes on
            }),
            0);
}

bool is_out_of_memory(const Failure& failure) { return failure.code == ErrorCode::out_of_memory; }
// Threads are refused with memory: EAGAIN, without saying that it is for their stacks.
bool is_no_thread(const Failure& failure) { return failure.message.find("threads: ") == 0; }

// Loads, makes a session, writes four tokens and two of beam search, saves and restores. False where something failed for another reason than
// memory.
bool works_or_lacks_memory(const std::string& file, bool* worked = nullptr) {
  const auto lacks = [](const Failure& failure) {
    return is_out_of_memory(failure) || is_no_thread(failure);
  };
  const auto model = Model::load(kDemo, quiet_options());
  if (!model) return lacks(model.error());
  auto session = Session::create(*model);
  if (!session) return lacks(session.error());
  const auto text = session->generate("ROMEO:", {.max_new_tokens = 4});
  if (!text) return lacks(text.error());
  const auto best =
      session->generate("", {.max_new_tokens = 2, .beam_search = BeamSearchOptions{.beams = 2}});
  if (!best) return lacks(best.error());
  const auto saved = session->save(file);
  if (!saved) return lacks(saved.error());
  const auto restored = session->restore(file);
  if (!restored) return lacks(restored.error());
  if (worked != nullptr) *worked = true;
  return true;
}

TEST(ApiMemory, AddressSpaceOfEverySize) {
  if (kSanitized) GTEST_SKIP() << "skipped: the sanitizer needs the address space";
  const TemporaryFolder folder;
  const std::string file = (folder / "session").string();
  for (std::size_t kib = 64; kib < 256 * 1024; kib += kib / 4)
    EXPECT_EQ(in_child([&] {
                limit_address_space(kib << 10);
                return works_or_lacks_memory(file);
              }),
              0)
        << kib << " KiB more";
}

// The n-th allocation fails, once, for every n up to 200 and every 2 % further; the next attempt must work.
TEST(ApiMemory, EveryAllocationMayFail) {
  if (kSanitized) GTEST_SKIP() << "skipped: the sanitizer has operator new";
  const TemporaryFolder folder;
  const std::string file = (folder / "session").string();
  const long count = count_allocations([&] { EXPECT_TRUE(works_or_lacks_memory(file)); });
  ASSERT_GT(count, 1000);
  for (long n = 1; n < count; n += std::max(1L, n / 50))
    EXPECT_EQ(in_child([&] {
                fail_allocation(n);
                bool worked = false;
                if (!works_or_lacks_memory(file, &worked)) return false;
                fail_allocation(0);
                worked = false;
                return works_or_lacks_memory(file, &worked) && worked;
              }),
              0)
        << "allocation " << n;
}

}  // namespace
}  // namespace burin::tests
