#include "tools/input_lines.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace burin::tools {

InputLines::InputLines(const Interrupts& interrupts)
    : interrupts_(interrupts), terminal_(isatty(STDIN_FILENO) != 0) {}

InputLines::Event InputLines::next(std::string& line) {
  if (terminal_) fmt::print(stderr, "> ");
  while (!take_line(line)) {
    const Event event = read_more();
    if (event == Event::line) continue;
    if (event == Event::interrupt || read_.empty()) return event;
    read_ += '\n';
  }
  return Event::line;
}

bool InputLines::take_line(std::string& line) {
  const std::size_t end = read_.find('\n');
  if (end == std::string::npos) return false;
  line.assign(read_, 0, end);
  read_.erase(0, end + 1);
  while (line.ends_with('\r')) line.pop_back();
  return true;
}

InputLines::Event InputLines::read_more() {
  for (;;) {
    pollfd waited[] = {{STDIN_FILENO, POLLIN, 0}, {interrupts_.descriptor(), POLLIN, 0}};
    if (poll(waited, std::size(waited), -1) < 0) {
      if (errno == EINTR) continue;
      return Event::end;
    }
    if (waited[1].revents != 0) return Event::interrupt;
    char bytes[4096];
    const ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return Event::end;
    read_.append(bytes, static_cast<std::size_t>(count));
    return Event::line;
  }
}

}  // namespace burin::tools
