// Causal attention of one query head and one position in plain double arithmetic.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "templates/attention/attention_spec.hpp"
#include "tests/support/kv_cache.hpp"

namespace burin::kernels {

// What a model may do to scores besides scaling them.
struct ScoreRules {
  std::int64_t window = 0;
  double cap = 0;
  double slope = 0;
  const float* sink = nullptr;
};

struct AttentionReference {
  std::vector<double> output;     // value_width values
  std::vector<double> magnitude;  // sum of p * |v| per value: what rounding errors are relative to
  std::vector<double> rounding;   // int8 and int16 math: what is lost of probabilities in whole numbers
  double largest_products = 0;    // over keys: scale * sum |q k|, what errors of a score are relative to
};

// int8 and int16 math: elements become whole numbers, the largest 127 or 127 * 128.
class QueryRounding {
 public:
  QueryRounding(const HeadLayout& heads, const float* query, AttentionMath math)
      : largest_code_(math == AttentionMath::int8 ? 127 : 127 * 128) {
    for (int pair = 0; pair < heads.pairs(); ++pair)
      for (const int which : {0, 1})
        largest_ = std::max(largest_, std::fabs(query[heads.pair_column(pair, which)]));
  }
  double operator()(float x) const {
    return std::nearbyint(static_cast<double>(x * (largest_code_ / largest_))) *
           static_cast<double>(largest_) / static_cast<double>(largest_code_);
  }

 private:
  float largest_code_;
  float largest_ = 0x1p-100f;
};

// The queries as the kernel's dot products see them, times scale and log2 e, in pair order. With a soft cap
// the kernel scales them to its tanh first.
inline std::vector<double> scaled_query(const HeadLayout& heads, const float* query, float scale,
                                        AttentionMath math, double cap) {
  const double stretch = cap > 0 ? 2 / cap : 1;
  const float factor = cap > 0 ? scale * (2 * 1.44269504f) / static_cast<float>(cap) : scale * 1.44269504f;
  const QueryRounding in_whole_numbers(heads, query, math);
  std::vector<double> scaled;
  for (int pair = 0; pair < heads.pairs(); ++pair)
    for (const int which : {0, 1}) {
      const float x = query[heads.pair_column(pair, which)];
      // bf16 math rounds this product; the factor itself is a float first.
      const float rounded = bf16_to_f32(f32_to_bf16(factor * x));
      const double factor_of_all = static_cast<double>(scale) * std::log2(std::exp(1.0));
      switch (math) {
        case AttentionMath::f32: scaled.push_back(static_cast<double>(x) * factor_of_all); break;
        case AttentionMath::bf16:
        case AttentionMath::amx: scaled.push_back(static_cast<double>(rounded) / stretch); break;
        case AttentionMath::int8:
        case AttentionMath::int16: scaled.push_back(in_whole_numbers(x) * factor_of_all); break;
      }
    }
  return scaled;
}

// Half of a 2^15th (int16 math: 2^14th) of the largest product of a chunk's probabilities and scales, of each value's code;
// what is limited to two bytes is one off.
inline std::vector<double> probability_rounding(const tests::KvCache& cache, AttentionMath math, int kv_head,
                                                std::span<const std::int64_t> slots,
                                                std::span<const double> probabilities) {
  const int columns = cache.heads().value_width();
  constexpr std::int64_t kChunk = 256;
  const double largest_number = math == AttentionMath::int8 ? 0x1p15 : 0x1p14;
  std::map<std::int64_t, double> largest;  // by chunk
  for (std::size_t key = 0; key < slots.size(); ++key) {
    double& of_chunk = largest[slots[key] / kChunk];
    const auto scale = static_cast<double>(cache.value_scale(kv_head, slots[key]));
    of_chunk = std::max(of_chunk, probabilities[key] * scale);
  }
  std::vector<double> lost(static_cast<std::size_t>(columns), 0.0);
  for (const std::int64_t slot : slots)
    for (int column = 0; column < columns; ++column) {
      const auto scale = static_cast<double>(cache.value_scale(kv_head, slot));
      const double code = std::fabs(cache.value(kv_head, slot, column)) / scale;
      lost[static_cast<std::size_t>(column)] += largest[slot / kChunk] * code * 1.01 / largest_number;
    }
  return lost;
}

// Attends to the keys of the spans up to `position`.
inline AttentionReference attention_reference(const tests::KvCache& cache, std::span<const KeySpan> spans,
                                              int kv_head, std::int64_t position, const float* query,
                                              float scale, AttentionMath math, const ScoreRules& rules = {}) {
  const double log2_e = std::log2(std::exp(1.0));
  const HeadLayout& heads = cache.heads();
  const std::vector<double> q = scaled_query(heads, query, scale, math, rules.cap);
  AttentionReference result;
  std::vector<std::int64_t> slots;
  std::vector<double> scores;
  for (const KeySpan& span : spans)
    for (std::int64_t slot = span.first_slot; slot < span.end_slot; ++slot) {
      const std::int64_t distance = position - (slot + span.shift);
      if (distance < 0 || (rules.window > 0 && distance >= rules.window)) continue;
      double score = 0;
      double products = 0;
      for (int pair = 0; pair < heads.pairs(); ++pair)
        for (const int which : {0, 1}) {
          const double product =
              q[static_cast<std::size_t>(pair * 2 + which)] * cache.key(kv_head, slot, pair, which);
          score += product;
          products += std::fabs(product);
        }
      if (rules.cap > 0) score = rules.cap * log2_e * std::tanh(score / (rules.cap * log2_e));
      const double penalty = rules.slope * log2_e * static_cast<double>(distance);
      scores.push_back(score - penalty);
      slots.push_back(slot);
      products += std::fabs(penalty);
      result.largest_products = std::max(result.largest_products, products);
    }
  double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  if (rules.sink != nullptr) {
    const double sink = static_cast<double>(*rules.sink) * log2_e;
    largest = std::max(largest, sink);
    sum = std::exp2(sink - largest);
  }
  for (double& score : scores) sum += score = std::exp2(score - largest);
  result.output.assign(static_cast<std::size_t>(heads.value_width()), 0.0);
  result.magnitude = result.output;
  for (double& score : scores) score /= sum;
  result.rounding = result.output;
  if (math == AttentionMath::int8 || math == AttentionMath::int16)
    result.rounding = probability_rounding(cache, math, kv_head, slots, scores);
  for (std::size_t key = 0; key < slots.size(); ++key)
    for (int column = 0; column < heads.value_width(); ++column) {
      const double term = scores[key] * cache.value(kv_head, slots[key], column);
      result.output[static_cast<std::size_t>(column)] += term;
      result.magnitude[static_cast<std::size_t>(column)] += std::fabs(term);
    }
  return result;
}

}  // namespace burin::kernels
