// What every fuzzer checks of the library.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "jit/error.hpp"

namespace burin::tests {

inline void expect(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

inline void expect_one_line(std::string_view message) {
  for (const char c : message) expect(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, message);
}

// Runs `work`; a refusal is fine when it is one line. Other exceptions end the fuzzer.
template <typename Work>
void use_or_refuse(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    expect_one_line(error.what());
  }
}

}  // namespace burin::tests
