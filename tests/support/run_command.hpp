// Runs the built `burin` as a user would.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_folder.hpp"

extern char** environ;

namespace burin::tests {

struct CommandResult {
  int status = -1;  // exit status; 128 + signal where it was killed
  std::string output;
  std::string errors;

  nlohmann::json json() const { return nlohmann::json::parse(output); }
  // All of standard error without its line end; more than one line stays visible as such.
  std::string error_line() const {
    return errors.ends_with('\n') ? errors.substr(0, errors.size() - 1) : errors;
  }
};

// A running command; its outputs go to files, so that nothing blocks.
class Command {
 public:
  // Kernels are kept in a folder of the command's own, unless `settings` ("NAME=VALUE") say otherwise.
  explicit Command(std::vector<std::string> arguments, const std::string& input = "",
                   std::vector<std::string> settings = {}, const std::string& program = BURIN_BINARY) {
    folder_.write("in", input);
    arguments.insert(arguments.begin(), program);
    std::vector<char*> pointers = pointers_to(arguments);
    if (settings.empty()) settings.push_back("BURIN_CACHE_DIR=" + (folder_ / "cache").string());
    std::vector<char*> variables = pointers_to(settings);
    for (char** variable = environ; *variable != nullptr; ++variable)
      if (!is_set_in(settings, *variable)) variables.insert(variables.end() - 1, *variable);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, (folder_ / "in").c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, (folder_ / "out").c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, (folder_ / "err").c_str(), O_WRONLY | O_CREAT, 0600);
    const int failed =
        posix_spawnp(&process_, program.c_str(), &actions, nullptr, pointers.data(), variables.data());
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("cannot start " + program);
  }
  Command(const Command&) = delete;

  pid_t process() const { return process_; }
  std::string output_so_far() const { return read("out"); }

  CommandResult wait() {
    int status = 0;
    waitpid(process_, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read("out"), read("err")};
  }

 private:
  // For exec: a null pointer ends the list.
  static std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
  }
  static bool is_set_in(const std::vector<std::string>& settings, std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    return std::any_of(settings.begin(), settings.end(),
                       [&](const std::string& setting) { return setting.starts_with(name); });
  }

  std::string read(const char* name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  TemporaryFolder folder_;
  pid_t process_ = -1;
};

inline CommandResult run_burin(std::vector<std::string> arguments, const std::string& input = "",
                               std::vector<std::string> settings = {}) {
  return Command(std::move(arguments), input, std::move(settings)).wait();
}

// Another program, looked for as a shell does.
inline CommandResult run_program(const std::string& program, std::vector<std::string> arguments) {
  return Command(std::move(arguments), "", {}, program).wait();
}

}  // namespace burin::tests
