#include "tests/emulation/report.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "tests/emulation/instruction.hpp"

namespace burin::emulation {
namespace {

// Of SIGILL: ends the process, with a core dump where the system keeps one.
[[noreturn]] void take_default_action() {
  std::signal(SIGILL, SIG_DFL);
  sigset_t illegal;
  sigemptyset(&illegal);
  sigaddset(&illegal, SIGILL);
  pthread_sigmask(SIG_UNBLOCK, &illegal, nullptr);
  std::raise(SIGILL);
  std::abort();
}

class Line {
 public:
  void text(const char* part) {
    while (*part != '\0' && length_ < sizeof(line_) - 1) line_[length_++] = *part++;
  }
  void hexadecimal(std::uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; --i) {
      const char digit[2] = {"0123456789abcdef"[value >> (4 * i) & 15], '\0'};
      text(digit);
    }
  }
  void bytes(const std::uint8_t* from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      text(" ");
      hexadecimal(from[i], 2);
    }
  }
  [[noreturn]] void end_process() {
    line_[length_++] = '\n';
    const char* at = line_;
    while (length_ > 0) {
      const ssize_t written = write(STDERR_FILENO, at, length_);
      if (written <= 0) break;
      at += written;
      length_ -= static_cast<std::size_t>(written);
    }
    take_default_action();
  }

 private:
  char line_[512] = {};
  std::size_t length_ = 0;
};

}  // namespace

void die(const char* reason) {
  Line line;
  line.text("burin emulator: ");
  line.text(reason);
  line.end_process();
}

void die(const char* reason, const Instruction& instruction) {
  Line line;
  line.text("burin emulator: ");
  line.text(instruction.name);
  line.text(": ");
  line.text(reason);
  line.text(" (at 0x");
  line.hexadecimal(instruction.address, 12);
  line.text(", bytes");
  line.bytes(instruction.bytes, instruction.decoded.length);
  line.text(")");
  line.end_process();
}

void die_at(const char* reason, std::uint64_t address, const std::uint8_t* bytes, std::size_t count) {
  Line line;
  line.text("burin emulator: ");
  line.text(reason);
  line.text(" (at 0x");
  line.hexadecimal(address, 12);
  line.text(", bytes");
  line.bytes(bytes, count);
  line.text(")");
  line.end_process();
}

}  // namespace burin::emulation
