// burin chat as users drive it: through a pipe, and on a terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>

#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include "runtime/chat/conversation.hpp"
#include "tests/support/run_command.hpp"

namespace burin::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";
constexpr std::string_view kTemplate =
    "{% for m in messages %}{{ m.role | upper }}:\n{{ m.content }}\n\n{% endfor %}ASSISTANT:\n";

std::vector<json> lines_of(const std::string& output) {
  std::vector<json> lines;
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

class ChatCommand : public testing::Test {
 protected:
  std::vector<std::string> arguments(std::vector<std::string> more) const {
    std::vector<std::string> all = {"chat", kDemo, "--chat-template", template_, "--temp", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  TemporaryFolder folder_;
  std::string template_ = folder_.write("t.jinja", kTemplate);
};

TEST_F(ChatCommand, AnswersLinesOfAPipe) {
  const CommandResult result = run_burin(arguments({"-n", "5"}), "Good morrow\n\nWho art thou\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.errors, "");
  EXPECT_GE(std::count(result.output.begin(), result.output.end(), '\n'), 2);
}

// The second answer is the one that the whole conversation gets from the beginning, with less evaluated.
TEST_F(ChatCommand, EvaluatesOnlyWhatIsNew) {
  const CommandResult result =
      run_burin(arguments({"-n", "12", "--json", "--system", "Be brief"}), "Good morrow\nWho art thou\n");
  ASSERT_EQ(result.status, 0) << result.errors;
  const std::vector<json> answers = lines_of(result.output);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0]["reused_tokens"], 0);
  EXPECT_EQ(answers[0]["stop_reason"], "length");
  EXPECT_GE(answers[1]["reused_tokens"], answers[0]["prompt_tokens"]);

  const auto model = runtime::Model::load(kDemo, {});
  runtime::Session session(model);
  const runtime::ChatTemplate chat("t", kTemplate, {});
  const std::vector<runtime::TokenId> prompt = runtime::encode_chat(
      model->tokenizer(), chat.render({{"system", "Be brief"},
                                       {"user", "Good morrow"},
                                       {"assistant", answers[0]["text"].get<std::string>()},
                                       {"user", "Who art thou"}}));
  EXPECT_EQ(answers[1]["prompt_tokens"], prompt.size());
  runtime::GenerationOptions options;
  options.most_tokens = 12;
  options.sampling.temperature = 0;
  const auto expected = runtime::generate(session, *model, prompt, options, {});
  EXPECT_EQ(answers[1]["tokens"], json(expected.tokens));
}

// The conversation is several times as long as the context.
TEST_F(ChatCommand, EndlessByTheRing) {
  std::string lines;
  for (int i = 0; i < 12; ++i) lines += "Speak on, good friend, of matter " + std::to_string(i) + "\n";
  const CommandResult full = run_burin(arguments({"-n", "12", "-c", "128"}), lines);
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.error_line(), HasSubstr("(--keep)"));
  const CommandResult endless =
      run_burin(arguments({"-n", "12", "-c", "128", "--keep", "4", "--json"}), lines);
  EXPECT_EQ(endless.status, 0) << endless.errors;
  const std::vector<json> answers = lines_of(endless.output);
  ASSERT_EQ(answers.size(), 12u);
  EXPECT_GT(answers.back()["prompt_tokens"].get<int>(), 3 * 128);
  // What is gone is not evaluated again either.
  EXPECT_GT(answers.back()["reused_tokens"].get<int>(), 2 * 128);
}

TEST_F(ChatCommand, ResetForgets) {
  const CommandResult result =
      run_burin(arguments({"-n", "8", "--json"}), "Good morrow\n/reset\nGood morrow\n/exit\nnever\n");
  const std::vector<json> answers = lines_of(result.output);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0]["tokens"], answers[1]["tokens"]);
  EXPECT_EQ(answers[1]["reused_tokens"], 0);
}

TEST_F(ChatCommand, Commands) {
  const CommandResult result = run_burin(arguments({}), "/help\n/frobnicate\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.errors, HasSubstr("/reset  forgets"));
  EXPECT_THAT(result.errors, HasSubstr("'/frobnicate' is no command"));
}

TEST_F(ChatCommand, RefusesByName) {
  const CommandResult missing = run_burin({"chat", kDemo}, "x\n");
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.error_line(), StartsWith("burin: " + kDemo + ": has no chat template: give one with"));
  folder_.write("t.jinja", "{{ raise_exception('only silence') }}");
  const CommandResult refused = run_burin(arguments({}), "x\n");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.error_line(),
              HasSubstr("t.jinja: line 1, column 19: the template refuses this conversation: only silence"));
  EXPECT_EQ(run_burin(arguments({"--top-p", "2"}), "").status, 2);
  const CommandResult full =
      run_burin({"chat", kDemo, "--chat-template", template_, "-c", "4"}, "a long message\n");
  EXPECT_EQ(full.status, 1);
}

// Without an interrupt, the answer would not end for a long time, and /exit not be read.
TEST_F(ChatCommand, InterruptEndsTheAnswerOnly) {
  Command command(arguments({"-c", "100000"}), "Good morrow\n/exit\n");
  while (command.output_so_far().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  kill(command.process(), SIGINT);
  const CommandResult result = command.wait();
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(result.output.back(), '\n');
}

// `burin chat` on a terminal of its own.
class Terminal {
 public:
  explicit Terminal(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), BURIN_BINARY);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    process_ = forkpty(&screen_, nullptr, nullptr, nullptr);
    if (process_ < 0) throw std::runtime_error("no terminal");
    if (process_ > 0) return;
    execv(BURIN_BINARY, pointers.data());
    _exit(127);
  }
  ~Terminal() { close(screen_); }
  Terminal(const Terminal&) = delete;

  void type(std::string_view keys) const {
    if (write(screen_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
      throw std::runtime_error("cannot type");
  }
  // False where the program ends before it shows the text; what comes up to it is taken off the screen.
  bool shows(std::string_view text) {
    for (char bytes[256]; shown_.find(text) == std::string::npos;) {
      const ssize_t count = read(screen_, bytes, sizeof(bytes));
      if (count <= 0) return false;
      shown_.append(bytes, static_cast<std::size_t>(count));
    }
    shown_.erase(0, shown_.find(text) + text.size());
    return true;
  }
  int wait() {
    shows("\x01");  // to the end
    int status = 0;
    waitpid(process_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  int screen_ = -1;
  pid_t process_ = -1;
  std::string shown_;
};

TEST_F(ChatCommand, InterruptsOnATerminal) {
  Terminal terminal(arguments({"-n", "4", "--cache", "off"}));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("Good morrow\n");
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("\x03");
  ASSERT_TRUE(terminal.shows("once more, or /exit, to leave"));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(), 0);
}

// A message that fails is forgotten; the next one is answered.
TEST_F(ChatCommand, ErrorsOnATerminalDoNotEndIt) {
  folder_.write("t.jinja", "{{ raise_exception('no') if messages[-1].content == 'bad' else 'ok' }}");
  Terminal terminal(arguments({"-n", "4", "--cache", "off"}));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("bad\n");
  ASSERT_TRUE(terminal.shows("refuses this conversation: no"));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("good\n");
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("\x04");
  EXPECT_EQ(terminal.wait(), 0);
}

}  // namespace
}  // namespace burin::tests
