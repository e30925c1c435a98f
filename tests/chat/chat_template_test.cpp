// Where chat templates are found, and what becomes of conversations.
#include "runtime/chat/chat_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/chat/template_source.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

using nlohmann::json;
using runtime::ChatTemplate;
using runtime::ModelFile;
using runtime::Tokenizer;
using testing::HasSubstr;

std::string found(const std::filesystem::path& model, const std::string& choice = "") {
  return runtime::find_chat_template(*ModelFile::open(model), choice).text;
}

std::string rendered(const std::filesystem::path& model, const std::string& choice = "") {
  const auto file = ModelFile::open(model);
  return ChatTemplate(*file, *Tokenizer::load(*file), choice).render({{"user", "hi"}});
}

TEST(ChatTemplate, OfGgufFiles) {
  const TemporaryFolder folder;
  GgufWriter gguf = tiny_gguf();
  gguf.set("tokenizer.chat_template", "plain {{ bos_token }}{{ messages[0].content }}{{ eos_token }}");
  gguf.set("tokenizer.chat_template.tool_use", "tools");
  const auto path = folder.write("m.gguf", gguf.bytes());
  EXPECT_EQ(rendered(path), "plain <s>hi</s>");
  EXPECT_EQ(found(path, "tool_use"), "tools");
  EXPECT_EQ(rendered(path, folder.write("x.jinja", "a file's {{ messages[0].role }}")), "a file's user");
  EXPECT_THAT(refusal_of([&] { found(path, "rag"); }),
              HasSubstr("has these chat templates: default, tool_use"));
}

TEST(ChatTemplate, MissingOnesAreNamed) {
  const TemporaryFolder folder;
  const auto path = folder.write("m.gguf", tiny_gguf().bytes());
  EXPECT_THAT(refusal_of([&] { found(path); }), says(path, {"no chat template", "--chat-template FILE"}));
  EXPECT_THAT(refusal_of([&] { found(path, "no/such.jinja"); }),
              HasSubstr("--chat-template no/such.jinja: there is no"));
}

TEST(ChatTemplate, DamagedOnesAreNamed) {
  const TemporaryFolder folder;
  GgufWriter gguf = tiny_gguf();
  gguf.set("tokenizer.chat_template", "{% if %}");
  const auto path = folder.write("m.gguf", gguf.bytes());
  EXPECT_THAT(refusal_of([&] { rendered(path); }), says(path, {"tokenizer.chat_template: line 1, column 7"}));
  gguf.set("tokenizer.chat_template", "\xff");
  EXPECT_THAT(refusal_of([&] { found(folder.write("m.gguf", gguf.bytes())); }), HasSubstr("not UTF-8"));
}

class FolderTemplate : public testing::Test {
 protected:
  FolderTemplate() { write_tiny_folder(folder_); }
  void configure(const json& config) { folder_.write("tokenizer_config.json", config.dump()); }
  TemporaryFolder folder_;
};

TEST_F(FolderTemplate, AsTextOfTheConfiguration) {
  configure({{"chat_template", "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}"},
             {"bos_token", "<a>"},
             {"eos_token", {{"content", "<b>"}}},
             {"pad_token", nullptr}});
  EXPECT_EQ(rendered(folder_.path()), "<a><b>False");
}

TEST_F(FolderTemplate, AsListOfTheConfiguration) {
  const json first = {{"name", "default"}, {"template", "one"}},
             second = {{"name", "rag"}, {"template", "two"}};
  configure({{"chat_template", {first, second}}});
  EXPECT_EQ(found(folder_.path()), "one");
  EXPECT_EQ(found(folder_.path(), "rag"), "two");
  configure({{"chat_template", {second}}});
  EXPECT_THAT(refusal_of([&] { found(folder_.path()); }), HasSubstr("choose one with --chat-template: rag"));
  configure({{"chat_template", 5}});
  EXPECT_THAT(refusal_of([&] { found(folder_.path()); }), HasSubstr("chat_template is number"));
}

TEST_F(FolderTemplate, FilesComeFirst) {
  configure({{"chat_template", "configured"}});
  folder_.write("chat_template.json", json{{"chat_template", "json"}}.dump());
  EXPECT_EQ(found(folder_.path()), "json");
  folder_.write("chat_template.jinja", "jinja");
  EXPECT_EQ(found(folder_.path()), "jinja");
  std::filesystem::create_directory(folder_ / "additional_chat_templates");
  folder_.write("additional_chat_templates/tools.jinja", "more");
  EXPECT_EQ(found(folder_.path(), "tools"), "more");
}

TEST_F(FolderTemplate, NoneIsRefused) {
  EXPECT_THAT(refusal_of([&] { found(folder_.path()); }), says(folder_.path(), {"no chat template"}));
}

TEST(ChatTemplate, VariablesThatTransformersDefines) {
  const ChatTemplate chat("t", "{{ tools is none }} {{ add_generation_prompt }} {{ bos_token }}",
                          {{"bos_token", "B"}});
  EXPECT_EQ(chat.render({{"user", "x"}}), "True True B");
  EXPECT_THAT(refusal_of([&] { chat.render({{"user", "\xff"}}); }), HasSubstr("not UTF-8"));
}

TEST(ChatTemplate, ThereIsOneBos) {
  const TemporaryFolder folder;
  const auto tokenizer = Tokenizer::load(*ModelFile::open(folder.write("m.gguf", tiny_gguf().bytes())));
  const std::vector<runtime::TokenId> with = runtime::encode_chat(*tokenizer, "<s>the");
  EXPECT_EQ(with, runtime::encode_chat(*tokenizer, "<s>the"));
  EXPECT_EQ(std::count(with.begin(), with.end(), kTinyBos), 1);
  const std::vector<runtime::TokenId> without = runtime::encode_chat(*tokenizer, "the</s>");
  EXPECT_EQ(without.front(), kTinyBos);
  EXPECT_EQ(without.back(), kTinyEos);
}

}  // namespace
}  // namespace burin::tests
