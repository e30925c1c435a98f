// burin chat: a conversation, line by line.
#include <cstdio>

#include "graph/plan.hpp"
#include "runtime/chat/conversation.hpp"
#include "runtime/stop_texts.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"
#include "tools/input_lines.hpp"
#include "tools/keep_weights.hpp"
#include "tools/sampling_options.hpp"

namespace burin::tools {
namespace {

struct ChatOptions {
  CommonOptions common;
  std::string system;
  std::string chat_template;
  std::int64_t most_tokens = -1;
  runtime::GenerationOptions generation;
};

class Chat {
 public:
  Chat(const ChatOptions& options, runtime::Conversation conversation)
      : options_(options), conversation_(std::move(conversation)) {}

  void run() {
    if (lines_.is_terminal()) fmt::print(stderr, "Ctrl-C ends an answer; /help lists commands.\n");
    bool wants_to_leave = false;
    for (std::string line;;) {
      interrupts_.forget();
      const Event event = lines_.next(line);
      if (event == Event::end || (event == Event::interrupt && wants_to_leave)) break;
      wants_to_leave = event == Event::interrupt;
      if (wants_to_leave)
        fmt::print(stderr, "\nburin: once more, or /exit, to leave\n");
      else if (!take(line))
        return;
    }
    if (lines_.is_terminal()) fmt::print(stderr, "\n");
  }

 private:
  using Event = InputLines::Event;

  // False where the line ends the chat.
  bool take(const std::string& line) {
    if (line.empty()) return true;
    if (line == "/exit") return false;
    if (line.front() == '/')
      command(line);
    else
      say(line);
    return true;
  }

  void command(const std::string& line) {
    if (line == "/reset") {
      conversation_.reset();
      answers_ = 0;
    } else if (line == "/help") {
      fmt::print(stderr,
                 "/reset  forgets the conversation, but for the system message\n"
                 "/exit   leaves, as the end of the input does\n"
                 "/help   this list\n"
                 "Ctrl-C  ends the answer; twice at the prompt: leaves\n");
    } else {
      fmt::print(stderr, "burin: '{}' is no command: see /help; a space in front sends it to the model\n",
                 printable(line));
    }
  }

  // On a terminal, what goes wrong with one message does not end the chat.
  void say(const std::string& line) {
    if (!lines_.is_terminal()) return answer(line);
    try {
      answer(line);
    } catch (const Error& error) {
      fmt::print(stderr, "burin: {}\n", error.what());
    }
  }

  void answer(const std::string& line) {
    runtime::GenerationOptions generation = options_.generation;
    generation.sampling.seed += answers_++;  // else every answer would draw the same numbers
    const runtime::Answer answer = conversation_.say(
        line, generation, [&](std::string_view piece) { show(piece); }, &interrupts_.flag());
    if (options_.common.json)
      print(answer);
    else
      show("\n");
  }

  void show(std::string_view piece) const {
    if (options_.common.json) return;
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
  }

  static void print(const runtime::Answer& answer) {
    const runtime::GenerationResult& generation = answer.generation;
    print_json(
        {{"text", generation.text},
         {"tokens", generation.tokens},
         {"prompt_tokens", answer.prompt_tokens},
         {"reused_tokens", answer.reused_tokens},
         {"stop_reason", runtime::to_text(generation.reason)},
         {"timings", {{"prefill_s", generation.prefill_seconds}, {"decode_s", generation.decode_seconds}}}});
  }

  const ChatOptions& options_;
  runtime::Conversation conversation_;
  Interrupts interrupts_;
  InputLines lines_{interrupts_};
  std::uint64_t answers_ = 0;
};

void chat(ChatOptions& options) {
  options.generation.most_tokens = options.most_tokens;
  from_arguments([&] { runtime::validate(options.generation.sampling); });
  from_arguments([&] { runtime::StopTexts{options.generation.stops}; });
  runtime::OpenedModel opened = runtime::open_model(options.common.model);
  runtime::ChatTemplate chat_template(*opened.file, *opened.tokenizer, options.chat_template);
  const std::shared_ptr<const runtime::Model> model = load_model(options.common, std::move(opened));
  Chat(options, {model, make_session(options.common, model), std::move(chat_template), options.system}).run();
  keep_weights(options.common, *model);
}

}  // namespace

void add_chat_command(CLI::App& app) {
  const auto options = std::make_shared<ChatOptions>();
  CLI::App* command = app.add_subcommand("chat", "Converse with a model, line by line");
  command->footer(
      "Lines of standard input are messages; /help lists commands. Ctrl-C ends an answer, twice at the "
      "prompt the program.\nExample: burin chat MODEL --system \"Answer in one sentence.\" -n 200\n"
      "         echo \"Who are you?\" | burin chat MODEL --chat-template chatml.jinja --temp 0\n"
      "         burin chat MODEL -c 2048 --keep 4      (endless: the oldest tokens are discarded)");
  add_model_option(*command, options->common);
  command->add_option("--system", options->system, "System message that begins the conversation");
  command->add_option("--chat-template", options->chat_template,
                      "Jinja file, or the name of one of the model's templates (default: the model's own)");
  command
      ->add_option("-n,--predict", options->most_tokens,
                   "Most tokens per answer (default: until the model ends it)")
      ->check(CLI::Range(std::int64_t{-1}, std::int64_t{1} << 40));
  command->add_option("--stop", options->generation.stops, "End an answer before this; may repeat");
  add_streaming_options(*command, options->common);
  add_sampling_options(*command, options->generation.sampling);
  add_compute_options(*command, options->common);
  command->add_flag("--json", options->common.json, "Print one JSON object per answer, on a line each");
  command->callback([=] { chat(*options); });
}

}  // namespace burin::tools
