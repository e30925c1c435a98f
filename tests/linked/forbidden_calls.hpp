// Makes the kernel end this process when it asks for executable memory (seccomp).
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <vector>

namespace burin::tests {

enum class Forbidden {
  executable_memory,                  // whatever mmap() or mprotect() would make executable
  written_memory_becoming_executable  // as systemd's MemoryDenyWriteExecute: files may be mapped for execution
};

inline constexpr std::uint32_t kThirdArgument = offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t);

// "A call `number` whose third argument has all of these bits": ends the process. The number is loaded.
inline void forbid(std::vector<sock_filter>& filter, std::uint32_t number, std::uint32_t bits) {
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 5));
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThirdArgument));
  filter.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bits, 0, 1));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

// False where the system does not take the filter. For the rest of this process's life.
inline bool forbid_calls(Forbidden what) {
  std::vector<sock_filter> filter = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  const bool all = what == Forbidden::executable_memory;
  forbid(filter, SYS_mmap, all ? PROT_EXEC : PROT_EXEC | PROT_WRITE);
  forbid(filter, SYS_mprotect, PROT_EXEC);
  forbid(filter, SYS_pkey_mprotect, PROT_EXEC);
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace burin::tests
