// A LLaMA forward in plain double arithmetic, one position after the other, after the papers and not after
// our graph: what every kernel, pass and plan must add up to.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "templates/formats/packing.hpp"
#include "tests/support/stored_values.hpp"
#include "tests/support/tiny_llama.hpp"

namespace burin::tests {

class LlamaOracle {
 public:
  // As a GGUF file has it: pairs (0,1), (2,3), ... rotate, vectors are F32. Else as Hugging Face's: halves
  // rotate, vectors are stored like matrices.
  LlamaOracle(const TinyLlama& model, const std::vector<TinyTensor>& tensors, bool gguf)
      : m_(model), gguf_(gguf), frequencies_(tiny_frequencies(model)) {
    for (const TinyTensor& tensor : tensors) tensors_[tensor.gguf_name] = as_stored(tensor);
    vocabulary_ = tensors.front().shape[0];
    keys_.resize(static_cast<std::size_t>(m_.layers));
    values_.resize(keys_.size());
  }

  // Logits after one more token.
  std::vector<double> next(std::int64_t token) {
    std::vector<double> x = row(tensors_.at("token_embd.weight"), token, m_.hidden);
    for (int layer = 0; layer < m_.layers; ++layer) {
      const std::string prefix = fmt::format("blk.{}.", layer);
      add(x, attention(layer, prefix, norm(x, prefix + "attn_norm.weight")));
      add(x, feed_forward(prefix, norm(x, prefix + "ffn_norm.weight")));
    }
    ++position_;
    return multiply(m_.own_head ? "output.weight" : "token_embd.weight", norm(x, "output_norm.weight"),
                    vocabulary_);
  }

 private:
  using Vector = std::vector<double>;

  // The values that a reader of the file gets.
  std::vector<float> as_stored(const TinyTensor& tensor) const {
    if (gguf_ && !tensor.is_matrix()) return tensor.values;
    const std::string bytes = stored_bytes(m_.matrices, tensor.values);
    std::vector<float> values(tensor.values.size());
    kernels::stored_row_to_f32(m_.matrices, reinterpret_cast<const std::byte*>(bytes.data()),
                               static_cast<std::int64_t>(values.size()), values.data());
    return values;
  }

  static Vector row(const std::vector<float>& matrix, std::int64_t index, std::int64_t width) {
    const auto first = matrix.begin() + index * width;
    return {first, first + width};
  }

  static void add(Vector& x, const Vector& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }

  Vector norm(const Vector& x, const std::string& name) const {
    double squares = 0;
    for (const double value : x) squares += value * value;
    const double factor = 1 / std::sqrt(squares / static_cast<double>(x.size()) + 1e-5);
    Vector y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      y[i] = x[i] * factor * static_cast<double>(tensors_.at(name)[i]);
    return y;
  }

  Vector multiply(const std::string& name, const Vector& x, std::int64_t outputs) const {
    const std::vector<float>& weights = tensors_.at(name);
    Vector y(static_cast<std::size_t>(outputs));
    for (std::size_t o = 0; o < y.size(); ++o)
      for (std::size_t i = 0; i < x.size(); ++i)
        y[o] += static_cast<double>(weights[o * x.size() + i]) * x[i];
    return y;
  }

  Vector project(const std::string& name, const Vector& x, std::int64_t outputs) const {
    Vector y = multiply(name + ".weight", x, outputs);
    if (const auto bias = tensors_.find(name + ".bias"); bias != tensors_.end())
      for (std::size_t i = 0; i < y.size(); ++i) y[i] += static_cast<double>(bias->second[i]);
    return y;
  }

  void rotate(double* head) const {
    const auto pairs = frequencies_.size();
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      double& first = head[gguf_ ? 2 * pair : pair];
      double& second = head[gguf_ ? 2 * pair + 1 : pair + pairs];
      const double angle = static_cast<double>(position_) * frequencies_[pair];
      const double x = first;
      const double y = second;
      first = x * std::cos(angle) - y * std::sin(angle);
      second = x * std::sin(angle) + y * std::cos(angle);
    }
  }

  Vector attention(int layer, const std::string& prefix, const Vector& x) {
    const auto size = static_cast<std::size_t>(m_.head_size());
    const std::int64_t kv_width = std::int64_t{m_.kv_heads} * m_.head_size();
    Vector q = project(prefix + "attn_q", x, std::int64_t{m_.heads} * m_.head_size());
    Vector k = project(prefix + "attn_k", x, kv_width);
    for (std::size_t at = 0; at < q.size(); at += size) rotate(q.data() + at);
    for (std::size_t at = 0; at < k.size(); at += size) rotate(k.data() + at);
    std::vector<Vector>& keys = keys_[static_cast<std::size_t>(layer)];
    std::vector<Vector>& values = values_[static_cast<std::size_t>(layer)];
    keys.push_back(std::move(k));
    values.push_back(project(prefix + "attn_v", x, kv_width));
    Vector mixed(q.size());
    for (int head = 0; head < m_.heads; ++head) {
      const std::size_t from = static_cast<std::size_t>(head / (m_.heads / m_.kv_heads)) * size;
      attend(q.data() + static_cast<std::size_t>(head) * size, keys, values, from, size,
             mixed.data() + static_cast<std::size_t>(head) * size);
    }
    return multiply(prefix + "attn_output.weight", mixed, m_.hidden);
  }

  static void attend(const double* q, const std::vector<Vector>& keys, const std::vector<Vector>& values,
                     std::size_t from, std::size_t size, double* out) {
    Vector weights(keys.size());
    double sum = 0;
    for (std::size_t t = 0; t < keys.size(); ++t) {
      double dot = 0;
      for (std::size_t i = 0; i < size; ++i) dot += q[i] * keys[t][from + i];
      sum += weights[t] = std::exp(dot / std::sqrt(static_cast<double>(size)));
    }
    for (std::size_t t = 0; t < keys.size(); ++t)
      for (std::size_t i = 0; i < size; ++i) out[i] += weights[t] / sum * values[t][from + i];
  }

  Vector feed_forward(const std::string& prefix, const Vector& x) const {
    Vector gate = multiply(prefix + "ffn_gate.weight", x, m_.feed_forward);
    const Vector up = multiply(prefix + "ffn_up.weight", x, m_.feed_forward);
    for (std::size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
    return multiply(prefix + "ffn_down.weight", gate, m_.hidden);
  }

  TinyLlama m_;
  bool gguf_;
  Vector frequencies_;
  std::map<std::string, std::vector<float>> tensors_;
  std::int64_t vocabulary_ = 0;
  std::int64_t position_ = 0;
  std::vector<std::vector<Vector>> keys_;  // [layer][position]
  std::vector<std::vector<Vector>> values_;
};

}  // namespace burin::tests
