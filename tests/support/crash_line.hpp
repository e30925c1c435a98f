// One line that is printed if the process crashes: what it was doing. A guard page that a kernel touches ends a test
// before it can say anything.
#pragma once

#include <unistd.h>

#include <csignal>
#include <string>

namespace burin::tests {

// While one lives. One at a time.
class CrashLine {
 public:
  explicit CrashLine(const std::string& line) {
    text() = "crashed: " + line + "\n";
    struct sigaction action = {};
    action.sa_handler = print;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK);
    sigaction(SIGSEGV, &action, &previous_);
  }
  ~CrashLine() { sigaction(SIGSEGV, &previous_, nullptr); }
  CrashLine(const CrashLine&) = delete;

 private:
  static std::string& text() {
    static std::string line;
    return line;
  }
  // The handler is gone by then: the instruction runs again, and ends the process.
  static void print(int) {
    if (write(STDERR_FILENO, text().data(), text().size()) < 0) return;
  }

  struct sigaction previous_ = {};
};

}  // namespace burin::tests
