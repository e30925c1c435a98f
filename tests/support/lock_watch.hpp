// Counts the mutexes and read-write locks that an executable takes. To be included by one file of it only: it
// takes the place of the C library's functions and passes calls on to them. Sanitizers have done so already and
// must keep theirs: there, nothing is counted and `kLocksAreCounted` is false.
#pragma once

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>

#include "tests/support/allocation_watch.hpp"  // says whether this is a sanitizer's build

namespace burin::tests {

inline std::atomic<long> lock_count{0};

#ifdef BURIN_TESTS_SANITIZED
inline constexpr bool kLocksAreCounted = false;
#else
inline constexpr bool kLocksAreCounted = true;
#endif

// Locks that all threads take while `work` runs.
template <typename Work>
long locks_of(Work&& work) {
  const long before = lock_count.load();
  work();
  return lock_count.load() - before;
}

template <typename Lock>
int count_and_pass_on(const char* function, Lock* lock) {
  lock_count.fetch_add(1);
  // The symbol is in the C library itself: looking it up takes no lock that is counted.
  return reinterpret_cast<int (*)(Lock*)>(dlsym(RTLD_NEXT, function))(lock);
}

}  // namespace burin::tests

#ifndef BURIN_TESTS_SANITIZED
extern "C" {
int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  return burin::tests::count_and_pass_on("pthread_mutex_lock", mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  return burin::tests::count_and_pass_on("pthread_mutex_trylock", mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  return burin::tests::count_and_pass_on("pthread_rwlock_rdlock", lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  return burin::tests::count_and_pass_on("pthread_rwlock_wrlock", lock);
}
}
#endif
