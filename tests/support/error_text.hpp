// What an expected error says, so that tests can check that it names the culprit.
#pragma once

#include <string>
#include <utility>

#include "jit/error.hpp"

namespace burin::tests {

// The message of the burin::Error that `work` throws; "no error" where it throws none.
template <typename Work>
std::string error_of(Work&& work) {
  try {
    std::forward<Work>(work)();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace burin::tests
