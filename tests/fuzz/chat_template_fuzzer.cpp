// Arbitrary bytes as a chat template: rendered, or refused in one line; quickly in either case.
#include "runtime/chat/jinja/template.hpp"
#include "tests/fuzz/expect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin;
  using nlohmann::ordered_json;
  static const ordered_json call = {{"name", "look_up"}, {"arguments", {{"word", "burin"}, {"times", 2.5}}}};
  static const ordered_json messages = {
      {{"role", "system"}, {"content", "Be brief."}},
      {{"role", "user"}, {"content", " What is a \"burin\"?\n"}},
      {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", {call}}}};
  static const ordered_json variables = {{"messages", messages},
                                         {"add_generation_prompt", true},
                                         {"tools", {call}},
                                         {"bos_token", "<s>"},
                                         {"eos_token", "</s>"}};
  runtime::jinja::RenderOptions options;
  options.limits = {.template_bytes = 1 << 16, .text_bytes = 1 << 20, .steps = 200'000};
  options.unix_time = 1'700'000'000;
  tests::use_or_refuse([&] {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string result =
        runtime::jinja::Template("template", text, options.limits).render(variables, options);
    tests::expect(result.size() <= options.limits.text_bytes, "the output is within its limit");
  });
  return 0;
}
