// Logits of made-up models against a reference's.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/support/host_targets.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::tests {

inline std::vector<runtime::TokenId> tokens_of(const std::string& folder) {
  return read_json(reference_path(folder + "/reference.json"))["tokens"];
}

// Every target, and a prompt cut in pieces.
inline void expect_logits(const std::string& path, const std::vector<runtime::TokenId>& tokens,
                          const std::vector<double>& expected, double tolerance = 2e-3) {
  double largest = 10;
  for (const double logit : expected) largest = std::max(largest, std::fabs(logit));
  for (const jit::Target& target : host_targets())
    for (const std::int64_t chunk : {1, 512}) {
      const std::vector<float> logits =
          all_logits(load_model(path, {.target = target.name, .chunk = chunk}), tokens);
      ASSERT_EQ(logits.size(), expected.size());
      for (std::size_t i = 0; i < logits.size(); ++i)
        ASSERT_NEAR(static_cast<double>(logits[i]), expected[i], tolerance * largest / 10)
            << target.name << " chunk " << chunk << " logit " << i;
    }
}

}  // namespace burin::tests
