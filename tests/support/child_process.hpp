// Runs a part of a test in a process of its own.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <stdexcept>

namespace burin::tests {

// A running child. Its work returns true for success; an exception counts as failure.
class ChildProcess {
 public:
  template <typename Work>
  explicit ChildProcess(Work&& work) : process_(fork()) {
    if (process_ < 0) throw std::runtime_error("cannot fork");
    if (process_ > 0) return;
    bool done = false;
    try {
      done = work();
    } catch (const std::exception&) {
    }
    _exit(done ? 0 : 1);
  }
  ChildProcess(const ChildProcess&) = delete;

  // Exit status, or 128 + the signal that ended it.
  int wait() const {
    int status = 0;
    waitpid(process_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t process_;
};

template <typename Work>
int in_child(Work&& work) {
  return ChildProcess(work).wait();
}

inline constexpr uid_t kNobody = 65534;

// The same with the rights of an ordinary user who owns `folder`: root may write everywhere.
template <typename Work>
int in_unprivileged_child(const std::filesystem::path& folder, Work&& work) {
  return in_child([&] {
    if (geteuid() == 0 &&
        (chown(folder.c_str(), kNobody, kNobody) != 0 || setegid(kNobody) != 0 || seteuid(kNobody) != 0))
      return false;
    return work();
  });
}

}  // namespace burin::tests
