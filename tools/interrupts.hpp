// Ctrl-C, as a flag for code that computes and as a descriptor for code that waits.
#pragma once

#include <atomic>

namespace burin::tools {

// Takes SIGINT over while it lives; there may be one at a time. A second Ctrl-C that comes before the first is
// forgotten ends the program.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;

  // True after a Ctrl-C.
  const std::atomic<bool>& flag() const;
  // Readable after a Ctrl-C: waiting on it, unlike relying on an interrupted call, misses none that come just before.
  int descriptor() const;
  // Those that have come.
  void forget();
};

}  // namespace burin::tools
