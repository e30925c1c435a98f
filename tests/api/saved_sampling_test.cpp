// Sampling is saved with the sequence: after a restore the text goes on with just the tokens that would have come.
#include <gmock/gmock.h>

#include <cstring>

#include "jit/sha256.hpp"
#include "tests/api/demo_model.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

using Tokens = std::vector<TokenId>;

// Everything that a sampler can hold: numbers drawn, and tokens that are penalised.
const SamplingOptions kSampling = {.temperature = 1,
                                   .top_k = 0,
                                   .top_p = 0.97f,
                                   .min_p = 0.01f,
                                   .repeat_penalty = 1.3f,
                                   .repeat_last = 17,
                                   .seed = 0xfedcba9876543210u,
                                   .presence_penalty = 0.1f,
                                   .frequency_penalty = 0.05f,
                                   .typical = 0.98f,
                                   .xtc_probability = 0.2f,
                                   .dynatemp_range = 0.3f,
                                   .dry_multiplier = 0.5f,
                                   .dry_penalty_last_n = 15,
                                   .dry_sequence_breakers = {"\n", "th"},
                                   .logit_bias = {{100, -1}, {101, 0.5f}}};
constexpr int kCut = 40;
constexpr int kWhole = 100;

Session sampling_session(const SessionOptions& options = {.sampling = kSampling}) {
  return value_of(Session::create(demo_model(), options));
}

Tokens more(Session& session, int count) {
  return value_of(session.generate(Tokens(), {.max_new_tokens = count})).tokens;
}

// The whole text, and what is to come after kCut of its tokens.
Tokens uninterrupted() {
  Session session = sampling_session();
  return value_of(session.generate(demo_reference().tokens, {.max_new_tokens = kWhole})).tokens;
}
Tokens rest(const Tokens& whole) { return {whole.begin() + kCut, whole.end()}; }

class SavedSampling : public testing::Test {
 protected:
  std::string file() const { return (folder_ / "session").string(); }
  bool save_after_cut() const {
    Session session = sampling_session();
    const auto begun = session.generate(demo_reference().tokens, {.max_new_tokens = kCut});
    return begun && session.save(file());
  }

  const TemporaryFolder folder_;
};

TEST_F(SavedSampling, TextsGoOnFromTheirLogits) {
  Session session = sampling_session();
  EXPECT_TRUE(fails(session.generate(Tokens()), ErrorCode::invalid_argument, "no token to start from"));
  Tokens tokens = value_of(session.generate(demo_reference().tokens, {.max_new_tokens = kCut})).tokens;
  const Tokens second = more(session, kWhole - kCut);
  tokens.insert(tokens.end(), second.begin(), second.end());
  EXPECT_EQ(tokens, uninterrupted());
  ASSERT_TRUE(session.truncate(20));
  EXPECT_TRUE(fails(session.generate(Tokens()), ErrorCode::invalid_argument, "no token to start from"));
}

TEST_F(SavedSampling, GoesOnInAnotherSession) {
  const Tokens whole = uninterrupted();
  ASSERT_EQ(whole.size(), std::size_t{kWhole});
  ASSERT_TRUE(save_after_cut());
  // Whatever the other one did before.
  Session session = sampling_session({.sampling = {.temperature = 0, .repeat_last = 3, .seed = 5}});
  ASSERT_TRUE(session.generate("KING", {.max_new_tokens = 9}));
  ASSERT_TRUE(session.restore(file()));
  EXPECT_EQ(more(session, kWhole - kCut), rest(whole));
  ASSERT_TRUE(session.restore(file()));  // again
  EXPECT_EQ(more(session, kWhole - kCut), rest(whole));
}

TEST_F(SavedSampling, MirostatGoesOn) {
  SamplingOptions options = kSampling;
  options.mirostat = 2;
  Session session = sampling_session({.sampling = options});
  ASSERT_TRUE(session.generate(demo_reference().tokens, {.max_new_tokens = kCut}));
  ASSERT_TRUE(session.save(file()));
  Session other = sampling_session();
  ASSERT_TRUE(other.restore(file()));
  EXPECT_EQ(more(other, kWhole - kCut), more(session, kWhole - kCut));
}

TEST_F(SavedSampling, GrammarsGoOn) {
  const SamplingOptions options = {
      .seed = 5, .json_schema = R"({"items": {"type": ["integer", "string"]}, "minItems": 9})"};
  Session session = sampling_session({.sampling = options});
  ASSERT_TRUE(session.generate(demo_reference().tokens, {.max_new_tokens = 12}));
  ASSERT_TRUE(session.save(file()));
  Session other = sampling_session();
  ASSERT_TRUE(other.restore(file()));
  EXPECT_EQ(more(other, 20), more(session, 20));
  const std::string good = read_bytes(file());
  for (std::size_t at = good.size() / 2; at < good.size(); at += 997) {
    std::string bad = good;
    bad[at] ^= 1;
    folder_.write("session", bad);
    EXPECT_FALSE(other.restore(file()));
  }
}

// That sampling is what makes the difference.
TEST_F(SavedSampling, WithOtherSamplingItWouldNotGoOn) {
  const Tokens whole = uninterrupted();
  ASSERT_TRUE(save_after_cut());
  Session session = sampling_session();
  ASSERT_TRUE(session.restore(file()));
  ASSERT_TRUE(session.set_sampling(kSampling));  // anew from its seed
  EXPECT_NE(more(session, kWhole - kCut), rest(whole));
}

TEST_F(SavedSampling, GoesOnInAnotherProcess) {
  ASSERT_EQ(in_child([&] { return save_after_cut(); }), 0);
  ASSERT_EQ(in_child([&] {
              Session session = sampling_session({});
              return session.restore(file()).has_value() &&
                     more(session, kWhole - kCut) == rest(uninterrupted());
            }),
            0);
}

TEST_F(SavedSampling, EndlessSessionsGoOn) {
  LoadOptions load = quiet_options();
  load.context = 64;
  const Model model = demo_model(load);
  const SessionOptions options = {.sampling = kSampling, .endless = true};
  Session session = value_of(Session::create(model, options));
  ASSERT_TRUE(session.generate(demo_reference().tokens, {.max_new_tokens = 150}));
  ASSERT_TRUE(session.save(file()));
  Session other = value_of(Session::create(model, {.endless = true}));
  ASSERT_TRUE(other.restore(file()));
  EXPECT_EQ(more(other, 150), more(session, 150));
}

// A saved session whose header was changed by somebody who knows the layout: the digest is right.
class ForgedSession : public SavedSampling {
 protected:
  void SetUp() override {
    ASSERT_TRUE(save_after_cut());
    bytes_ = read_bytes(file());
  }
  std::string header() const { return bytes_.substr(kPrefix, header_length()); }
  // The header with another value of this field.
  std::string header_with(const std::string& field, const std::string& value) const {
    std::string text = header();
    const std::size_t at = ("\n" + text).find("\n" + field + " ");
    EXPECT_NE(at, text.npos) << field;
    const std::size_t from = at + field.size() + 1;
    return text.replace(from, text.find('\n', from) - from, value);
  }
  void write(const std::string& text) const {
    const auto length = static_cast<std::uint32_t>(text.size());
    std::string forged = bytes_.substr(0, kPrefix) + text + bytes_.substr(kPrefix + header_length());
    std::memcpy(forged.data() + kPrefix - sizeof(length), &length, sizeof(length));
    forged.resize(forged.size() - kDigest);
    const jit::Digest digest = jit::sha256(forged);
    forged.append(digest.begin(), digest.end());
    folder_.write("session", forged);
  }
  std::uint32_t header_length() const {
    std::uint32_t length = 0;
    std::memcpy(&length, bytes_.data() + kPrefix - sizeof(length), sizeof(length));
    return length;
  }

  static constexpr std::size_t kPrefix = 12;  // magic, length of the header
  static constexpr std::size_t kDigest = 32;
  std::string bytes_;
};

TEST_F(ForgedSession, IsTakenWhereNothingIsWrong) {
  write(header());
  EXPECT_EQ(read_bytes(file()), bytes_);
  Session session = sampling_session();
  EXPECT_TRUE(session.restore(file()));
}

TEST_F(ForgedSession, OfAnotherVersionIsRefusedByName) {
  Session session = sampling_session();
  write(R"({"architecture":"llama","context":1024,"format":1})");
  EXPECT_TRUE(fails(session.restore(file()), ErrorCode::load_failed, "format is 1, this Burin reads 4"));
  for (const std::string format : {"2", "3", "5"}) {
    write(header_with("format", format));
    EXPECT_TRUE(fails(session.restore(file()), ErrorCode::load_failed,
                      "format is " + format + ", this Burin reads 4"));
  }
}

TEST_F(ForgedSession, WithAHeaderThatIsNoneIsRefused) {
  Session session = sampling_session();
  for (const std::string& text :
       {std::string(), header().substr(1), header() + "position 8\n", header() + "more", header() + "\n",
        header().substr(0, header().size() - 1), std::string("format 3\n"), std::string(70'000, 'x')}) {
    write(text);
    EXPECT_TRUE(fails(session.restore(file()), ErrorCode::load_failed, file())) << text.substr(0, 400);
  }
}

TEST_F(ForgedSession, WithSamplingThatCannotBeIsRefused) {
  Session session = sampling_session();
  ASSERT_TRUE(session.evaluate(Tokens{50, 51}));
  Session twin = value_of(session.fork());
  const std::vector<std::pair<std::string, std::string>> wrong = {{"temperature", "-1"},
                                                                  {"temperature", "1e30"},
                                                                  {"temperature", "nan"},
                                                                  {"temperature", "1e99"},
                                                                  {"temperature", ""},
                                                                  {"temperature", "1 "},
                                                                  {"top_k", "-1"},
                                                                  {"top_k", "2147483648"},
                                                                  {"top_k", "2.5"},
                                                                  {"top_p", "1.5"},
                                                                  {"min_p", "-0.1"},
                                                                  {"repeat_penalty", "0"},
                                                                  {"repeat_last", "2097152"},
                                                                  {"repeat_last", "16"},
                                                                  {"recent", "18"},
                                                                  {"recent", "-1"},
                                                                  {"recent", "16"},
                                                                  {"recent", "18446744073709551615"},
                                                                  {"seed", "-1"},
                                                                  {"seed", "18446744073709551616"},
                                                                  {"random", "0.5"},
                                                                  {"random", "0x5"},
                                                                  {"typical", "1.01"},
                                                                  {"mirostat", "1"},
                                                                  {"mirostat_mu", "inf"},
                                                                  {"dry_base", "0"},
                                                                  {"dry_sequence_breakers", "0"},
                                                                  {"dry_sequence_breakers", "0g"},
                                                                  {"dry_sequence_breakers", "0a,,3a"},
                                                                  {"logit_biases", "3"},
                                                                  {"logit_biases", "1"},
                                                                  {"logit_biases", "99999999"},
                                                                  {"grammar", "1"},
                                                                  {"grammar", "99999999"},
                                                                  {"grammar_place", "3"},
                                                                  {"awaited", "99999"},
                                                                  {"sampling", "2"},
                                                                  {"sampling", "0"}};
  for (const auto& [field, value] : wrong) {
    write(header_with(field, value));
    EXPECT_TRUE(fails(session.restore(file()), ErrorCode::load_failed, file())) << field << " " << value;
  }
  // Nothing of all that reached the session.
  EXPECT_EQ(session.position(), 2);
  EXPECT_EQ(more(session, 20), more(twin, 20));
}

TEST_F(ForgedSession, WithTokensOutsideTheVocabularyIsRefused) {
  Session session = sampling_session();
  const std::size_t tokens = kPrefix + header_length();
  const std::size_t count = demo_reference().tokens.size() + kCut;
  for (const std::size_t at : {tokens, tokens + count * sizeof(TokenId)})
    for (const TokenId token : {-1, 512}) {
      const std::string good = bytes_;
      std::memcpy(bytes_.data() + at, &token, sizeof(token));
      write(header());
      EXPECT_TRUE(fails(session.restore(file()), ErrorCode::load_failed, "not in the vocabulary"));
      bytes_ = good;
    }
}

}  // namespace
}  // namespace burin::tests
