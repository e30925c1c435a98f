// Causal attention of one query head and one position in plain double arithmetic.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "templates/attention/attention_spec.hpp"
#include "tests/support/kv_cache.hpp"

namespace burin::kernels {

struct AttentionReference {
  std::vector<double> output;     // head_size values
  std::vector<double> magnitude;  // sum of p * |v| per value: what rounding errors are relative to
  double largest_products = 0;    // over keys: scale * sum |q k|, what errors of a score are relative to
};

// The queries as the kernel's dot products see them, times scale and log2 e, in pair order.
inline std::vector<double> scaled_query(const HeadLayout& heads, const float* query, float scale,
                                        AttentionMath math) {
  constexpr float kLog2E = 1.44269504f;
  std::vector<double> scaled;
  for (int pair = 0; pair < heads.pairs(); ++pair)
    for (const int which : {0, 1}) {
      const float x = query[heads.pair_column(pair, which)];
      // bf16 math rounds this product; the factor itself is a float first.
      const float rounded = bf16_to_f32(f32_to_bf16(scale * kLog2E * x));
      scaled.push_back(math == AttentionMath::bf16
                           ? static_cast<double>(rounded)
                           : static_cast<double>(x) * static_cast<double>(scale) * std::log2(std::exp(1.0)));
    }
  return scaled;
}

// Attends to positions 0 .. position of the cache's head.
inline AttentionReference attention_reference(const tests::KvCache& cache, int kv_head, std::int64_t position,
                                              const float* query, float scale, AttentionMath math) {
  const HeadLayout& heads = cache.heads();
  const std::vector<double> q = scaled_query(heads, query, scale, math);
  AttentionReference result;
  std::vector<double> scores;
  for (std::int64_t key = 0; key <= position; ++key) {
    double score = 0;
    double products = 0;
    for (int pair = 0; pair < heads.pairs(); ++pair)
      for (const int which : {0, 1}) {
        const double product =
            q[static_cast<std::size_t>(pair * 2 + which)] * cache.key(kv_head, key, pair, which);
        score += product;
        products += std::fabs(product);
      }
    scores.push_back(score);
    result.largest_products = std::max(result.largest_products, products);
  }
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp2(score - largest);
  result.output.assign(static_cast<std::size_t>(heads.head_size), 0.0);
  result.magnitude = result.output;
  for (std::int64_t key = 0; key <= position; ++key)
    for (int column = 0; column < heads.head_size; ++column) {
      const double term = scores[static_cast<std::size_t>(key)] / sum * cache.value(kv_head, key, column);
      result.output[static_cast<std::size_t>(column)] += term;
      result.magnitude[static_cast<std::size_t>(column)] += std::fabs(term);
    }
  return result;
}

}  // namespace burin::kernels
