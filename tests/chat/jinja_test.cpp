// The template engine against what Jinja2 3.1 renders with Hugging Face's settings: expressions.json and
// conversations.json hold its results (null: it must be refused), made once with the real thing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "runtime/chat/jinja/template.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/refusal.hpp"

namespace burin::tests {
namespace {

using nlohmann::ordered_json;
using runtime::jinja::Limits;
using runtime::jinja::RenderOptions;
using runtime::jinja::Template;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::int64_t kTime = 1'700'000'000;  // 14 November 2023, in Greenwich

ordered_json read_ordered(const std::string& name) {
  return ordered_json::parse(read_bytes(std::string(BURIN_SOURCE_DIR "/tests/chat/") + name));
}

std::string render(const std::string& text, const ordered_json& variables = ordered_json::object(),
                   const Limits& limits = {}) {
  return Template("t", text, limits).render(variables, {limits, kTime});
}

// Null where it is refused.
ordered_json rendered(const std::string& text, const ordered_json& variables) {
  try {
    return render(text, variables);
  } catch (const Error& error) {
    EXPECT_TRUE(is_one_line(error.what())) << error.what();
    return nullptr;
  }
}

// As conversations.json stores long results: FNV-1a of 64 bits.
std::string digest(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

// Every conversation with every setting.
std::vector<ordered_json> all_variables(const ordered_json& data) {
  std::vector<ordered_json> all;
  for (const ordered_json& messages : data["conversations"])
    for (ordered_json variables : data["settings"]) {
      variables["messages"] = messages;
      all.push_back(std::move(variables));
    }
  return all;
}

class Jinja : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
};

TEST_F(Jinja, ExpressionsAndStatements) {
  const ordered_json data = read_ordered("expressions.json");
  ASSERT_GT(data["cases"].size(), 1000u);
  for (const ordered_json& row : data["cases"])
    EXPECT_EQ(rendered(row[0].get<std::string>(), data["variables"]), row[1]) << row[0];
}

TEST_F(Jinja, ConversationsThroughOurTemplates) {
  const ordered_json data = read_ordered("conversations.json");
  const std::vector<ordered_json> all = all_variables(data);
  for (const auto& [name, own] : data["own"].items()) {
    ASSERT_EQ(own["texts"].size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
      EXPECT_EQ(rendered(own["template"].get<std::string>(), all[i]), own["texts"][i]) << name << all[i];
  }
}

TEST_F(Jinja, ConversationsThroughPublishedTemplates) {
  BURIN_NEEDS_REFERENCE("chat-templates");
  const ordered_json data = read_ordered("conversations.json");
  const std::vector<ordered_json> all = all_variables(data);
  for (const auto& [name, digests] : data["published"].items()) {
    const std::string text = read_bytes(reference_path("chat-templates/" + name));
    ASSERT_EQ(digests.size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      const ordered_json result = rendered(text, all[i]);
      const ordered_json found = result.is_null() ? result : ordered_json(digest(result.get<std::string>()));
      EXPECT_EQ(found, digests[i]) << name << all[i] << result;
    }
  }
}

std::string refusal(const std::string& text, const ordered_json& variables = ordered_json::object(),
                    const Limits& limits = {}) {
  return refusal_of([&] { render(text, variables, limits); });
}

TEST_F(Jinja, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(refusal("a\n {{ missing.name }}"), "t: line 2, column 12: 'missing' is undefined");
  EXPECT_EQ(refusal("{{ x | wordcount }}"), "t: line 1, column 8: the filter 'wordcount' is not supported");
  EXPECT_EQ(refusal("{{ x is prime }}"), "t: line 1, column 6: the test 'prime' is not supported");
  EXPECT_EQ(refusal("\n\n{% include 'x' %}"),
            "t: line 3, column 4: the tag 'include' is not supported in chat templates");
  EXPECT_EQ(refusal("{% for x in y recursive %}{% endfor %}"),
            "t: line 1, column 15: recursive loops are not supported: a macro that calls itself is");
  EXPECT_EQ(refusal("{{ [].append(1) }}"),
            "t: line 1, column 6: 'append' would change a list: templates may not: make a new one");
  EXPECT_THAT(refusal("{{ raise_exception('no system\nmessage') }}"),
              HasSubstr("the template refuses this conversation: no system\\x0amessage"));
  EXPECT_EQ(refusal("{% if x %}"), "t: line 1, column 11: 'endif' is missing");
  EXPECT_EQ(refusal("{{ 'abc }}"), "t: line 1, column 4: the text does not end: ' is missing");
  EXPECT_THAT(refusal("{{ ('<b>' | safe) ~ 'x' }}"),
              HasSubstr("'safe' is supported at the end of '{{ }}' only"));
}

TEST_F(Jinja, TimeIsGiven) { EXPECT_EQ(render("{{ strftime_now('%d %b %Y') }}"), "14 Nov 2023"); }

// Each would take for ever, or all memory, or the stack.
TEST_F(Jinja, HostileTemplatesAreRefused) {
  const ordered_json variables = {{"s", std::string(100'000, 'a')}};
  const auto repeated = [](const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  const auto nested = [&](const std::string& open, const std::string& close, int times) {
    return refusal(open == "(" ? "{{ " + repeated(open, times) + "1" + repeated(close, times) + " }}"
                               : repeated(open, times) + repeated(close, times));
  };
  const std::string loops = repeated("{% for i in range(100000) %}", 4) + "x" + repeated("{% endfor %}", 4);
  EXPECT_THAT(refusal(loops), HasSubstr("steps: refused"));
  EXPECT_THAT(refusal("{{ range(100001) }}"), HasSubstr("more than 100000 numbers: refused"));
  EXPECT_THAT(
      refusal("{% set n = namespace(t='ab') %}{% for i in range(99) %}{% set n.t = n.t ~ n.t %}{% endfor %}"),
      HasSubstr("bytes: refused"));
  EXPECT_THAT(
      refusal("{% set n = namespace(t=[1]) %}{% for i in range(99) %}{% set n.t = n.t + n.t %}{% endfor %}"),
      HasSubstr("steps: refused"));
  EXPECT_THAT(
      refusal("{% set n = namespace(t=[1]) %}{% for i in range(999) %}{% set n.t = [n.t] %}{% endfor %}"),
      HasSubstr("nested deeper than 100"));
  // Small in memory, but 2^90 elements when they are printed or compared.
  const std::string shared =
      "{% set n = namespace(t=[1]) %}{% for i in range(90) %}{% set n.t = [n.t, n.t] %}{% endfor %}";
  EXPECT_THAT(refusal(shared + "{{ n.t }}"), HasSubstr("refused"));
  EXPECT_THAT(refusal(shared + "{{ n.t | tojson }}"), HasSubstr("refused"));
  EXPECT_THAT(refusal("{{ s * 1000000 }}", variables), HasSubstr("bytes: refused"));
  EXPECT_THAT(refusal("{{ s | replace('', s) }}", variables), HasSubstr("bytes: refused"));
  EXPECT_THAT(refusal("{{ s | indent(99999999999) }}", variables), HasSubstr("bytes: refused"));
  EXPECT_THAT(
      refusal("{% for c in s %}{% for d in s %}{% if s[0] == s[-1] %}{% endif %}{% endfor %}{% endfor %}",
              variables),
      HasSubstr("steps: refused"));
  EXPECT_THAT(refusal("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), HasSubstr("nests more than"));
  EXPECT_THAT(nested("(", ")", 100'000), HasSubstr("nested deeper than 100"));
  EXPECT_THAT(nested("{% if 1 %}", "{% endif %}", 1000), HasSubstr("nested deeper than 50"));
  EXPECT_THAT(refusal("{{ " + repeated("1+", 10'000) + "1 }}"), HasSubstr("nests more than 400"));
  EXPECT_THAT(refusal("{{ " + repeated("not ", 10'000) + "1 }}"), HasSubstr("nested deeper than 100"));
  EXPECT_THAT(refusal("{{ x" + repeated("|string", 10'000) + " }}"), HasSubstr("nests more than 400"));
  EXPECT_THAT(refusal(std::string(2 << 20, 'x')), HasSubstr("refused above"));
  EXPECT_THAT(refusal("{{ s.split('a') | map('replace', 'x', s) | list }}{{ s.__class__ }}", variables),
              HasSubstr("refused"));
}

// Nothing holds itself, so that nothing leaks; the address sanitizer sees to it.
TEST_F(Jinja, NamespacesHoldNoReferences) {
  EXPECT_THAT(refusal("{% set n = namespace() %}{% set n.me = n %}"),
              HasSubstr("cannot be kept in a namespace"));
  EXPECT_THAT(refusal("{% set n = namespace() %}{% set n.me = [n] %}"),
              HasSubstr("cannot be kept in a namespace"));
  EXPECT_THAT(refusal("{% set n = namespace() %}{% macro m() %}{% endmacro %}{% set n.m = m %}"),
              HasSubstr("cannot be kept in a namespace"));
  EXPECT_THAT(refusal("{% for i in [1] %}{{ loop.changed(loop) }}{% endfor %}"), HasSubstr("cannot keep"));
}

TEST_F(Jinja, LimitsCanBeSet) {
  const Limits small{.template_bytes = 50, .text_bytes = 10, .steps = 100};
  EXPECT_EQ(render("{{ 'a' * 10 }}", ordered_json::object(), small), "aaaaaaaaaa");
  EXPECT_THAT(refusal("{{ 'a' * 11 }}", ordered_json::object(), small), HasSubstr("more than 10 bytes"));
  EXPECT_THAT(refusal("{% for i in range(99) %}{% endfor %}", ordered_json::object(), small),
              HasSubstr("more than 100 steps"));
  EXPECT_THAT(refusal(std::string(51, 'a'), ordered_json::object(), small), HasSubstr("51 bytes"));
}

}  // namespace
}  // namespace burin::tests
