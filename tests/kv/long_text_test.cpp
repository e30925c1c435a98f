// Text that goes on long after the context was full: as small and as good as it was when that began. A short one;
// BURIN_NIGHTLY=1 makes it 1,000,000 tokens (some minutes). How long a token takes is measured by `burin bench
// --endless`.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "runtime/perplexity.hpp"
#include "runtime/sampling/model_vocabulary.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/sanitized.hpp"

namespace burin::runtime {
namespace {

constexpr int kParts = 5;

bool is_nightly() {
  const char* nightly = std::getenv("BURIN_NIGHTLY");
  return nightly != nullptr && std::string_view(nightly) == "1";
}

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t whole = 0;
  std::int64_t resident = 0;
  file >> whole >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// What the model itself finds likely, as likely as it finds it.
class SampledText {
 public:
  SampledText(const std::shared_ptr<const Model>& model, const SessionOptions& options)
      : session_(model, options), sampler_(plain_sampling(), vocabulary_of(*model)) {
    const TokenId first = 1;
    session_.evaluate({&first, 1});
  }

  double perplexity_of(std::int64_t tokens) {
    double total = 0;
    for (std::int64_t i = 0; i < tokens; ++i) {
      const TokenId token = sampler_.sample(session_.logits());
      total += surprise(session_.logits(), token);
      session_.evaluate({&token, 1});
    }
    return std::exp(total / static_cast<double>(tokens));
  }
  const Session& session() const { return session_; }

 private:
  Session session_;
  Sampler sampler_;
};

class LongText : public testing::TestWithParam<std::int64_t> {};

TEST_P(LongText, StaysAsSmallAndAsGood) {
  const std::string file = "models/stories260K/stories260K.gguf";
  BURIN_NEEDS_REFERENCE(file);
  const std::int64_t context = GetParam();
  const std::int64_t tokens = is_nightly() ? 1000000 : tests::kSanitized ? 2 * context : 16000;
  const auto model = tests::load_model(tests::reference_path(file), {.threads = 1, .context = context});
  SampledText text(model, {.endless = true});
  text.perplexity_of(2 * context);
  const std::size_t cache = text.session().cache_bytes();
  const std::int64_t resident = resident_bytes();
  const double first = text.perplexity_of(tokens / kParts);
  double others = 0;
  for (int part = 1; part < kParts; ++part) others += text.perplexity_of(tokens / kParts) / (kParts - 1);
  EXPECT_EQ(text.session().position(), 1 + 2 * context + tokens / kParts * kParts);
  EXPECT_LE(text.session().cached_tokens(), context);
  EXPECT_EQ(text.session().cache_bytes(), cache);
  // Sampled text varies: parts of 200,000 tokens by 2 %, of 3,200 by 10 %.
  EXPECT_NEAR(others / first, 1, is_nightly() ? 0.05 : 0.25);
  if (!tests::kSanitized) {
    EXPECT_LE(resident_bytes(), resident + (std::int64_t{1} << 20));
  }
}

INSTANTIATE_TEST_SUITE_P(Contexts, LongText, testing::Values(256, 2048), testing::PrintToStringParamName());

}  // namespace
}  // namespace burin::runtime
