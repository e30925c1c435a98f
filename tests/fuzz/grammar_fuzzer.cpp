// Arbitrary bytes as a grammar, or behind a { as a JSON schema: followed by a few tokens, or refused in one line; with
// bounded memory and time in either case.
#include <memory>
#include <vector>

#include "runtime/sampling/grammar/matcher.hpp"
#include "runtime/sampling/random.hpp"
#include "runtime/sampling/schema/json_schema.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/sampling/made_tokenizer.hpp"

namespace burin::tests {
namespace {

constexpr runtime::TokenId kEnd = 256;

const MadeTokenizer& tokenizer() {
  static const MadeTokenizer made = [] {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    for (const char* text : {"<end>", "\": ", "true", "<think>", "[[", "ab"}) tokens.emplace_back(text);
    return MadeTokenizer(tokens, kEnd);
  }();
  return made;
}

void follow(const std::string& grammar) {
  constexpr int kTokens = 20;
  static const auto texts = std::make_shared<runtime::TokenTexts>(tokenizer());
  runtime::GrammarMatcher matcher(std::make_shared<runtime::Grammar>(runtime::parse_grammar(grammar)), texts,
                                  tokenizer());
  runtime::SplitMix64 random(grammar.size());
  std::vector<std::uint8_t> allowed(tokenizer().vocabulary_size());
  for (int i = 0; i < kTokens; ++i) {
    matcher.mark_allowed(allowed);
    std::vector<runtime::TokenId> next;
    for (runtime::TokenId token = 0; token < static_cast<runtime::TokenId>(allowed.size()); ++token) {
      const bool is_allowed = allowed[static_cast<std::size_t>(token)] == 1;
      if (i < 2) expect(matcher.allows(token) == is_allowed, "masks agree with single tokens");
      if (is_allowed && token != kEnd) next.push_back(token);
    }
    expect(!matcher.may_end() || allowed[kEnd] == 1, "texts end where the grammar says");
    if (next.empty()) return;
    expect(matcher.accept(next[random.next() % next.size()]), "what is allowed is accepted");
  }
  expect(matcher.restore(matcher.state()), "states can be restored");
}

}  // namespace
}  // namespace burin::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin;
  const std::string text(reinterpret_cast<const char*>(data), size);
  tests::use_or_refuse(
      [&] { tests::follow(text.starts_with('{') ? runtime::grammar_of_json_schema(text) : text); });
  return 0;
}
