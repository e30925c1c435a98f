// Subcommands: one file in tools/commands/ and one row in commands.cpp each.
#pragma once

#include <CLI/CLI.hpp>

#include "jit/error.hpp"

namespace burin::tools {

// Options that contradict each other or make no sense; exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

template <typename... Args>
[[noreturn]] void wrong_usage(fmt::format_string<Args...> format, Args&&... args) {
  throw UsageError(fmt::format(format, std::forward<Args>(args)...));
}

// Calls parse(); what it throws is the arguments' fault and becomes a UsageError.
template <typename Parse>
auto from_arguments(Parse parse) {
  try {
    return parse();
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

// Adds all subcommands to the app; the chosen one runs while the command line is parsed.
void register_commands(CLI::App& app);

// Each adds its subcommand, options and callback.
void add_run_command(CLI::App& app);
void add_eval_command(CLI::App& app);
void add_tokenize_command(CLI::App& app);
void add_inspect_command(CLI::App& app);
void add_info_command(CLI::App& app);
void add_plan_command(CLI::App& app);
void add_bench_command(CLI::App& app);
void add_kernel_command(CLI::App& app);
void add_cache_command(CLI::App& app);
void add_pregen_command(CLI::App& app);
void add_chat_command(CLI::App& app);

}  // namespace burin::tools
