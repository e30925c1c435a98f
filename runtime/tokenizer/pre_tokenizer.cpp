#define PCRE2_CODE_UNIT_WIDTH 8
#include "runtime/tokenizer/pre_tokenizer.hpp"

#include <pcre2.h>

#include <algorithm>
#include <span>

#include "jit/error.hpp"
#include "runtime/tokenizer/byte_alphabet.hpp"
#include "runtime/tokenizer/utf8.hpp"

namespace burin::runtime {
namespace {

// Patterns of tokenizers are simple; a text that needs more steps than this per match is not split there.
constexpr std::uint32_t kMatchLimit = 1'000'000;

// The second is GPT-2's in the lists that have one; of their first alone, pieces are too long to come again.
constexpr std::size_t kPatternsOfPieces = 2;

struct MatchDataDeleter {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct MatchContextDeleter {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

// A part of a text that is UTF-8. PCRE2 would look for its end anew at every match.
struct Run {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::uint32_t options(std::string_view text) const {
    return PCRE2_NO_UTF_CHECK | (begin > 0 ? PCRE2_NOTBOL : 0) | (end < text.size() ? PCRE2_NOTEOL : 0);
  }
};

// The next one from `at` on, as long as it can be; empty, at the end of the text, where there is none.
Run next_run(std::string_view text, std::size_t at) {
  Utf8Step step;
  for (; at < text.size(); at += step.length)
    if (step = utf8_step(text.substr(at)); step.valid) break;
  Run run = {at, at};
  for (; run.end < text.size(); run.end += step.length)
    if (step = utf8_step(text.substr(run.end)); !step.valid) break;
  return run;
}

}  // namespace

struct PreTokenizer::Pattern {
  Pattern(const std::string& pattern, const std::string& where) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP,
                         &error, &offset, nullptr);
    if (code == nullptr) {
      PCRE2_UCHAR message[256] = {};
      pcre2_get_error_message(error, message, sizeof(message));
      fail("{}: pattern '{}' is wrong at {}: {}", where, printable(pattern), offset,
           reinterpret_cast<char*>(message));
    }
    // Not compiled to machine code: PCRE2's compiler takes memory that is writable and executable at once, and hosts
    // may forbid executable memory altogether.
  }
  ~Pattern() { pcre2_code_free(code); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  pcre2_code* code = nullptr;
};

// Some of the patterns, one after the other, on any number of texts.
class PreTokenizer::Matcher {
 public:
  explicit Matcher(std::span<const std::unique_ptr<Pattern>> patterns)
      : patterns_(patterns),
        data_(pcre2_match_data_create(1, nullptr)),
        context_(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context_.get(), kMatchLimit);
  }

  // Depth first: a part goes through all patterns from `stage` on before the next one is looked for.
  void split(std::string_view text, const Use& use, std::size_t stage = 0) const {
    if (text.empty()) return;
    if (stage == patterns_.size()) return use(text);
    std::size_t gap = 0;
    for (Run run = next_run(text, 0); run.begin < text.size(); run = next_run(text, run.end)) {
      const std::string_view subject = text.substr(run.begin, run.end - run.begin);
      const std::uint32_t options = run.options(text);
      for (Run match = find(stage, subject, 0, options); match.begin < match.end;
           match = find(stage, subject, match.end, options)) {
        const std::size_t first = run.begin + match.begin;
        split(text.substr(gap, first - gap), use, stage + 1);
        gap = run.begin + match.end;
        split(text.substr(first, gap - first), use, stage + 1);
      }
    }
    split(text.substr(gap), use, stage + 1);
  }

 private:
  // The next match from `at` on; empty where there is none. A match of nothing cuts nothing.
  Run find(std::size_t stage, std::string_view subject, std::size_t at, std::uint32_t options) const {
    while (at < subject.size()) {
      const int found = pcre2_match(patterns_[stage]->code, reinterpret_cast<PCRE2_SPTR>(subject.data()),
                                    subject.size(), at, options, data_.get(), context_.get());
      if (found < 0) break;
      const PCRE2_SIZE* range = pcre2_get_ovector_pointer(data_.get());
      if (range[1] > range[0]) return {range[0], range[1]};
      if (range[1] >= subject.size()) break;
      at = range[1] + utf8_step(subject.substr(range[1])).length;
    }
    return {};
  }

  std::span<const std::unique_ptr<Pattern>> patterns_;
  std::unique_ptr<pcre2_match_data, MatchDataDeleter> data_;
  std::unique_ptr<pcre2_match_context, MatchContextDeleter> context_;
};

PreTokenizer::PreTokenizer(const std::vector<std::string>& patterns, const std::string& where,
                           const std::vector<std::string>& spelt) {
  for (const std::string& pattern : patterns) patterns_.push_back(std::make_unique<Pattern>(pattern, where));
  for (const std::string& pattern : spelt) spelt_.push_back(std::make_unique<Pattern>(pattern, where));
}
PreTokenizer::~PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;

void PreTokenizer::each_piece(std::string_view text, const Use& use) const {
  Matcher(std::span(patterns_).first(std::min(kPatternsOfPieces, patterns_.size()))).split(text, use);
}

void PreTokenizer::each_word(std::string_view piece, const Use& use) const {
  const auto use_word = [&](std::string_view word) { each_spelt_word(word, use); };
  if (patterns_.size() <= kPatternsOfPieces) return use_word(piece);
  Matcher(std::span(patterns_).subspan(kPatternsOfPieces)).split(piece, use_word);
}

// One character is one byte.
void PreTokenizer::each_spelt_word(std::string_view word, const Use& use) const {
  if (spelt_.empty()) return use(word);
  std::size_t begin = 0;
  Matcher(spelt_).split(bytes_to_text(word), [&](std::string_view part) {
    const auto bytes = std::count_if(part.begin(), part.end(), [](char c) { return (c & 0xc0) != 0x80; });
    use(word.substr(begin, static_cast<std::size_t>(bytes)));
    begin += static_cast<std::size_t>(bytes);
  });
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  std::vector<std::string_view> words;
  each_piece(text, [&](std::string_view piece) {
    each_word(piece, [&](std::string_view word) { words.push_back(word); });
  });
  return words;
}

}  // namespace burin::runtime
