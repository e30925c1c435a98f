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

int report(const std::string& message) {
  fmt::print(stderr, "burin: {}\n", one_line(message));
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs language models on x86 CPUs with kernels emitted for this CPU and this model."};
  app.name("burin");
  app.set_version_flag("--version", BURIN_VERSION);
  app.require_subcommand(1);
  try {
    burin::tools::register_commands(app);
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    fmt::print(stderr, "burin: {}: see burin --help\n", one_line(error.what()));
    return kWrongUsage;
  } catch (const burin::tools::UsageError& error) {
    fmt::print(stderr, "burin: {}\n", one_line(error.what()));
    return kWrongUsage;
  } catch (const burin::Error& error) {
    return report(error.what());
  } catch (const std::bad_alloc&) {
    return report("out of memory: use a smaller model or context");
  } catch (const std::exception& error) {
    return report(error.what());
  }
}
