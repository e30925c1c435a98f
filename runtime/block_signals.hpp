// Threads that leave signals to the program they run in.
#pragma once

#include <csignal>

namespace burin::runtime {

// While it lives, new threads start with the signals blocked that are sent to the process: its own threads
// are to handle those. Faults (and a profiler's clock) belong to the thread that raises them and stay open.
class BlockProcessSignals {
 public:
  BlockProcessSignals() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int raised : {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGSYS, SIGABRT, SIGPROF}) {
      sigdelset(&blocked, raised);
    }
    pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  ~BlockProcessSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockProcessSignals(const BlockProcessSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace burin::runtime
