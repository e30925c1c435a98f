#include "tools/interrupts.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

namespace burin::tools {
namespace {

// What a signal handler may touch.
std::atomic<bool> interrupted{false};
int event = -1;

extern "C" void on_interrupt(int) {
  const int error = errno;
  if (interrupted.exchange(true, std::memory_order_relaxed)) std::signal(SIGINT, SIG_DFL);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event, &one, sizeof(one));
  errno = error;
}

}  // namespace

Interrupts::Interrupts() {
  event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  forget();
}

Interrupts::~Interrupts() {
  std::signal(SIGINT, SIG_DFL);
  close(event);
  event = -1;
}

const std::atomic<bool>& Interrupts::flag() const { return interrupted; }

int Interrupts::descriptor() const { return event; }

void Interrupts::forget() {
  interrupted.store(false, std::memory_order_relaxed);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t drained = read(event, &count, sizeof(count));
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

}  // namespace burin::tools
