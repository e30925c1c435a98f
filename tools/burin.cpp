// The `burin` command: finds the subcommand, turns errors into one line and an exit status.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>

#include "jit/error.hpp"
#include "tools/command.hpp"

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

// Errors are one line whatever a file put into them.
std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

int report(const std::string& message, int status) {
  fmt::print(stderr, "burin: {}\n", one_line(message));
  return status;
}

// CLI11 would only say that a subcommand is missing.
void check_subcommand(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::string known;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (command->get_name() == argv[1]) return;
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  burin::tools::wrong_usage("'{}' is no command: use one of {}", argv[1], known);
}

// "burin run" where the command line got that far.
std::string help_command(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? "burin --help" : "burin " + chosen.front()->get_name() + " --help";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs language models on x86 CPUs with kernels emitted for this CPU and this model."};
  app.name("burin");
  app.set_version_flag("--version", BURIN_VERSION);
  app.require_subcommand(1);
  try {
    burin::tools::register_commands(app);
    check_subcommand(app, argc, argv);
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return report(fmt::format("{}: see {}", error.what(), help_command(app)), kWrongUsage);
  } catch (const burin::tools::UsageError& error) {
    return report(error.what(), kWrongUsage);
  } catch (const burin::Error& error) {
    return report(error.what(), kFailed);
  } catch (const std::bad_alloc&) {
    return report("out of memory: use a smaller model or context", kFailed);
  } catch (const std::exception& error) {
    return report(error.what(), kFailed);
  }
}
