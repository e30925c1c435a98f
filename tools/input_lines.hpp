// Lines of standard input, as a person types them.
#pragma once

#include <string>

#include "tools/interrupts.hpp"

namespace burin::tools {

class InputLines {
 public:
  // Interrupts must outlive the lines.
  explicit InputLines(const Interrupts& interrupts);
  bool is_terminal() const { return terminal_; }

  enum class Event { line, interrupt, end };
  // Waits for a line, after a prompt on a terminal. Sets `line`, without its end, where it returns Event::line.
  // The input's last line may lack its end.
  Event next(std::string& line);

 private:
  bool take_line(std::string& line);
  // Event::line: something has been read.
  Event read_more();

  const Interrupts& interrupts_;
  bool terminal_;
  std::string read_;  // and not yet taken
};

}  // namespace burin::tools
