// Computes any decoder graph, fused or not, in plain double arithmetic: every operation written down once,
// as its definition in graph/ir.hpp reads. What every kernel, pass and plan must add up to.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "graph/ir.hpp"
#include "graph/rope_frequencies.hpp"

namespace burin::tests {

using Row = std::vector<double>;
using Rows = std::vector<Row>;  // one per position

struct OracleTensor {
  std::vector<std::int64_t> shape;
  std::vector<double> values;  // row-major
};

class GraphOracle {
 public:
  // `tensors` gives a stored tensor by name; each is asked for once.
  GraphOracle(const graph::Graph& graph, std::function<OracleTensor(const std::string&)> tensors)
      : graph_(graph), read_(std::move(tensors)) {}

  // Logits of all positions of a sequence.
  Rows run(std::span<const std::int32_t> tokens) {
    values_.assign(graph_.values.size(), {});
    for (const graph::Node& node : graph_.nodes) {
      values_[index(node.output)] = compute(node, tokens);
      for (const Row& row : values_[index(node.output)])
        if (row.size() != index(graph_.width(node.output)))
          throw std::logic_error(node.name + " has another width than its node says");
    }
    return values_[index(graph_.logits)];
  }

  // Of the last run: what a node made.
  const Rows& value(graph::ValueId id) const { return values_[index(id)]; }

 private:
  using Attention = graph::AttentionAttributes;

  template <typename Integer>
  static std::size_t index(Integer value) {
    return static_cast<std::size_t>(value);
  }

  const OracleTensor& tensor(const std::string& name) {
    const auto known = tensors_.find(name);
    return known != tensors_.end() ? known->second : tensors_.emplace(name, read_(name)).first->second;
  }

  const Rows& input(const graph::Node& node, std::size_t which) const {
    return values_[index(node.inputs[which])];
  }

  Rows compute(const graph::Node& node, std::span<const std::int32_t> tokens) {
    using graph::Op;
    const double constant = static_cast<double>(node.constant);
    switch (node.op) {
      case Op::embed: return embed(node.embed, tokens);
      case Op::norm: return each(input(node, 0), [&](Row x) { return norm(node.norm, std::move(x)); });
      case Op::linear: return linear(node);
      case Op::rope: return rope(node.rope, input(node, 0));
      case Op::attention: return attention(node);
      case Op::activation: return map(input(node, 0), [&](double x) { return activate(node.activation, x); });
      case Op::multiply: return zip(input(node, 0), input(node, 1), std::multiplies<>());
      case Op::add: return zip(input(node, 0), input(node, 1), std::plus<>());
      case Op::scale: return map(input(node, 0), [&](double x) { return constant * x; });
      case Op::clip: return map(input(node, 0), [&](double x) { return std::clamp(x, -constant, constant); });
      case Op::soft_cap:
        return map(input(node, 0), [&](double x) { return constant * std::tanh(x / constant); });
      case Op::route: return each(input(node, 0), [&](Row x) { return route(node.route, std::move(x)); });
      case Op::experts: return experts(node);
      case Op::expert_gates: return expert_gates(node);
      case Op::expert_sums: return expert_sums(node);
      case Op::heads: return heads(node);
      case Op::latent: return latent(node);
    }
    throw std::logic_error("no such operation");
  }

  // --- rows

  template <typename Function>
  static Rows each(const Rows& rows, Function&& function) {
    Rows result;
    for (const Row& row : rows) result.push_back(function(row));
    return result;
  }

  template <typename Function>
  static Rows map(Rows rows, Function&& function) {
    for (Row& row : rows)
      for (double& x : row) x = function(x);
    return rows;
  }

  template <typename Function>
  static Rows zip(Rows rows, const Rows& others, Function&& function) {
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (std::size_t i = 0; i < rows[r].size(); ++i) rows[r][i] = function(rows[r][i], others[r][i]);
    return rows;
  }

  // --- operations

  Rows embed(const graph::EmbedAttributes& attributes, std::span<const std::int32_t> tokens) {
    const OracleTensor& table = tensor(attributes.table);
    Rows rows;
    for (std::size_t position = 0; position < tokens.size(); ++position) {
      const std::size_t entry =
          index(attributes.offset) +
          (attributes.index == graph::EmbedIndex::token ? index(tokens[position]) : position);
      const auto first = table.values.begin() + static_cast<std::ptrdiff_t>(entry) * table.shape.at(1);
      if (entry >= index(table.shape[0])) throw std::out_of_range(attributes.table);
      rows.emplace_back(first, first + table.shape[1]);
    }
    return map(rows, [&](double v) { return v * static_cast<double>(attributes.factor); });
  }

  Row norm(const graph::NormAttributes& attributes, Row x) {
    Row weight = attributes.weight.empty() ? Row() : tensor(attributes.weight).values;
    for (const std::string& name : attributes.weights)
      weight.insert(weight.end(), tensor(name).values.begin(), tensor(name).values.end());
    const Row bias = attributes.bias.empty() ? Row(weight.size(), 0.0) : tensor(attributes.bias).values;
    const std::size_t group = attributes.group > 0 ? index(attributes.group) : x.size();
    for (std::size_t first = 0; first < x.size(); first += group) {
      const std::span<double> part(x.data() + first, group);
      const auto size = static_cast<double>(group);
      double mean = 0;
      if (attributes.kind == graph::NormKind::layer)
        mean = std::accumulate(part.begin(), part.end(), 0.0) / size;
      double squares = 0;
      for (double& value : part) {
        value -= mean;
        squares += value * value;
      }
      const double factor = 1 / std::sqrt(squares / size + static_cast<double>(attributes.epsilon));
      for (std::size_t i = 0; i < group; ++i) {
        const std::size_t w = (first + i) % weight.size();
        part[i] = part[i] * factor * (weight[w] + static_cast<double>(attributes.weight_offset)) + bias[w];
      }
    }
    return x;
  }

  // A part's outputs for one row. Weights are stored [slices, rows, inputs] or [slices, inputs, rows].
  Row multiply(const graph::LinearPart& part, const Row& x) {
    const OracleTensor& weight = tensor(part.weight);
    const graph::MatrixView& view = part.view;
    const std::size_t inputs = x.size();
    const std::size_t stored_inputs =
        index(view.transposed ? weight.shape.at(weight.shape.size() - 2) : weight.shape.back());
    if (stored_inputs != inputs) throw std::logic_error(part.weight + " has other inputs");
    const std::size_t rows = index(view.transposed ? weight.shape.back() : *(weight.shape.end() - 2));
    const bool all_slices = view.slice == graph::kAllSlices;
    Row y(index(part.outputs));
    for (std::size_t o = 0; o < y.size(); ++o) {
      std::size_t row = index(view.row(static_cast<std::int64_t>(o)));
      const std::size_t which = all_slices ? row / rows : index(view.slice);
      if (all_slices) row %= rows;
      if (row >= rows || (which + 1) * rows * inputs > weight.values.size())
        throw std::out_of_range(part.weight);
      const double* slice = weight.values.data() + which * rows * inputs;
      double squares = 0;
      for (std::size_t i = 0; i < inputs; ++i) {
        const double w = view.transposed ? slice[i * rows + row] : slice[row * inputs + i];
        y[o] += x[i] * w;
        squares += w * w;
      }
      if (part.unit_rows) y[o] /= std::sqrt(squares);
      if (!part.bias.empty()) y[o] += tensor(part.bias).values.at(which * rows + row);
    }
    return y;
  }

  Rows linear(const graph::Node& node) {
    const graph::LinearAttributes& attributes = node.linear;
    Rows x = input(node, 0);
    if (attributes.inputs > 0)
      for (Row& row : x) row.resize(index(attributes.inputs));
    if (attributes.heads > 0) return by_heads(attributes, x);
    if (attributes.normed) x = each(x, [&](Row row) { return norm(attributes.norm, std::move(row)); });
    std::vector<Rows> parts;
    for (const graph::LinearPart& part : attributes.parts)
      parts.push_back(map(each(x, [&](const Row& row) { return multiply(part, row); }),
                          [&](double sum) { return sum * static_cast<double>(attributes.factor); }));
    switch (attributes.epilogue) {
      case graph::LinearEpilogue::none:
      case graph::LinearEpilogue::latent:
      case graph::LinearEpilogue::qkv: return joined(parts);
      case graph::LinearEpilogue::activate:
        return map(joined(parts), [&](double sum) { return activate(attributes.activation, sum); });
      case graph::LinearEpilogue::add: return zip(joined(parts), input(node, 1), std::plus<>());
      case graph::LinearEpilogue::gate:
        return zip(map(parts[0], [&](double g) { return activate(attributes.activation, g); }), parts[1],
                   std::multiplies<>());
      case graph::LinearEpilogue::rope_kv: break;
    }
    return rotate_and_keep(attributes.attention, std::move(parts));
  }

  // Each head's outputs of its own inputs.
  Rows by_heads(const graph::LinearAttributes& attributes, const Rows& x) {
    const graph::LinearPart& part = attributes.parts[0];
    const std::size_t outputs = index(part.outputs) / index(attributes.heads);
    Rows result;
    for (const Row& row : x) {
      const std::size_t inputs = row.size() / index(attributes.heads);
      Row y;
      for (std::size_t head = 0; head < index(attributes.heads); ++head) {
        const auto first = row.begin() + static_cast<std::ptrdiff_t>(head * inputs);
        const Row all = multiply(part, Row(first, first + static_cast<std::ptrdiff_t>(inputs)));
        const auto own = all.begin() + static_cast<std::ptrdiff_t>(head * outputs);
        y.insert(y.end(), own, own + static_cast<std::ptrdiff_t>(outputs));
      }
      result.push_back(std::move(y));
    }
    return result;
  }

  // x times the (not transposed) rows of a part's matrix that belong to a head.
  Row absorbed(const graph::LinearPart& part, std::size_t head, std::span<const double> x) {
    const OracleTensor& weight = tensor(part.weight);
    if (part.view.transposed) {  // stored [heads, outputs here, x]
      Row y(index(weight.shape.at(1)));
      for (std::size_t j = 0; j < y.size(); ++j)
        for (std::size_t i = 0; i < x.size(); ++i)
          y[j] += x[i] * weight.values.at((head * y.size() + j) * x.size() + i);
      return y;
    }
    Row y(index(weight.shape.at(1)));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t row = index(part.view.row(static_cast<std::int64_t>(head * x.size() + i)));
      for (std::size_t j = 0; j < y.size(); ++j) y[j] += x[i] * weight.values.at(row * y.size() + j);
    }
    return y;
  }

  Rows latent(const graph::Node& node) {
    const graph::LatentAttributes& attributes = node.latent;
    const graph::AttentionAttributes& attention = attributes.attention;
    const std::size_t heads = index(attention.query_heads);
    const std::size_t rotated = index(attributes.rotated_size());
    Rows rotated_queries;
    Rows keys;
    Rows values;
    for (std::size_t r = 0; r < input(node, 0).size(); ++r) {
      const auto q = input(node, 0)[r].begin() + attributes.keys.outputs;
      rotated_queries.emplace_back(q, q + static_cast<std::ptrdiff_t>(heads * rotated));
      const auto latent_row = input(node, 1)[r].end() - attention.value_size;
      keys.emplace_back(latent_row - static_cast<std::ptrdiff_t>(rotated), latent_row);
      values.push_back(norm(attributes.norm, Row(latent_row, input(node, 1)[r].end())));
    }
    rotated_queries = rope(attention.rope, rotated_queries);
    keys = joined({rope(attention.rope, keys), values});
    Rows queries(keys.size());
    for (std::size_t r = 0; r < queries.size(); ++r)
      for (std::size_t head = 0; head < heads; ++head) {
        const auto own = head_of(rotated_queries[r], head, attributes.rotated_size());
        queries[r].insert(queries[r].end(), own.begin(), own.end());
        const Row rest =
            absorbed(attributes.keys, head, head_of(input(node, 0)[r], head, attributes.plain_size()));
        queries[r].insert(queries[r].end(), rest.begin(), rest.end());
      }
    cache_[attention.layer] = {std::move(keys), std::move(values)};
    return queries;
  }

  // Q, K and V side by side.
  Rows heads(const graph::Node& node) {
    const graph::HeadsAttributes& attributes = node.heads;
    const graph::AttentionAttributes& attention = attributes.attention;
    const auto limit = static_cast<double>(attributes.limit);
    const Rows x = limit > 0 ? map(input(node, 0), [&](double v) { return std::clamp(v, -limit, limit); })
                             : input(node, 0);
    const std::size_t query_width = index(attention.query_heads) * index(attention.head_size);
    const std::size_t key_width = index(attention.kv_heads) * index(attention.head_size);
    std::vector<Rows> parts(3);
    for (const Row& row : x) {
      const auto key = row.begin() + static_cast<std::ptrdiff_t>(query_width);
      const auto value = key + static_cast<std::ptrdiff_t>(key_width);
      parts[0].emplace_back(row.begin(), key);
      parts[1].emplace_back(key, value);
      parts[2].emplace_back(value, row.end());
    }
    if (attributes.normed) {
      parts[0] = each(parts[0], [&](Row row) { return norm(attributes.query_norm, std::move(row)); });
      parts[1] = each(parts[1], [&](Row row) { return norm(attributes.key_norm, std::move(row)); });
    }
    return rotate_and_keep(attention, std::move(parts));
  }

  Rows rotate_and_keep(const graph::AttentionAttributes& attention, std::vector<Rows> parts) {
    const bool rotates = attention.rope.rotary > 0;
    cache_[attention.layer] = {rotates ? rope(attention.rope, parts[1]) : parts[1], parts[2]};
    return rotates ? rope(attention.rope, parts[0]) : parts[0];
  }

  static Rows joined(const std::vector<Rows>& parts) {
    Rows result = parts[0];
    for (std::size_t part = 1; part < parts.size(); ++part)
      for (std::size_t r = 0; r < result.size(); ++r)
        result[r].insert(result[r].end(), parts[part][r].begin(), parts[part][r].end());
    return result;
  }

  Rows rope(const graph::RopeAttributes& attributes, Rows rows) {
    const graph::LongRope& longer = attributes.longer;
    const bool is_longer = longer.context > 0 && rows.size() > index(longer.context);
    Row frequencies = frequencies_at(attributes, static_cast<std::int64_t>(rows.size()));
    const std::string& factors = is_longer ? longer.factors : attributes.factors;
    if (!factors.empty())
      for (std::size_t i = 0; i < frequencies.size(); ++i) frequencies[i] /= tensor(factors).values.at(i);
    for (std::size_t position = 0; position < rows.size(); ++position)
      for (std::size_t head = 0; head < rows[position].size(); head += index(attributes.head_size))
        rotate(attributes, frequencies, static_cast<double>(position), rows[position].data() + head);
    return rows;
  }

  static void rotate(const graph::RopeAttributes& attributes, const Row& frequencies, double position,
                     double* head) {
    const std::size_t pairs = frequencies.size();
    const bool halves = attributes.style == graph::RotaryStyle::halves;
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      double& first = head[halves ? pair : 2 * pair];
      double& second = head[halves ? pair + pairs : 2 * pair + 1];
      const double cosine = attributes.magnitude * std::cos(position * frequencies[pair]);
      const double sine = attributes.magnitude * std::sin(position * frequencies[pair]);
      const double x = first;
      const double y = second;
      first = x * cosine - y * sine;
      second = x * sine + y * cosine;
    }
  }

  // --- attention

  // One head's part of a row.
  static std::span<const double> head_of(const Row& row, std::size_t head, int size) {
    return std::span<const double>(row).subspan(head * index(size), index(size));
  }

  static double dot(std::span<const double> x, std::span<const double> y) {
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  }

  Rows attention(const graph::Node& node) {
    const Attention& a = node.attention;
    const bool cached = node.inputs.size() == 1;
    const Rows& keys = cached ? cache_.at(a.layer).first : input(node, 1);
    const Rows& values = cached ? cache_.at(a.layer).second : input(node, 2);
    const Rows& queries = input(node, 0);
    Rows result;
    for (std::size_t position = 0; position < queries.size(); ++position) {
      Row mixed;
      for (std::size_t head = 0; head < index(a.query_heads); ++head) {
        const std::size_t kv_head = head / index(a.query_heads / a.kv_heads);
        const std::size_t first = first_visible(a, position);
        Row scores;
        for (std::size_t t = first; t <= position; ++t) {
          double product =
              dot(head_of(queries[position], head, a.head_size), head_of(keys[t], kv_head, a.head_size));
          if (a.shared_size > 0)
            product += dot(head_of(input(node, 3)[position], head, a.shared_size), input(node, 4)[t]);
          scores.push_back(score(a, head, product, position, t));
        }
        const Row shares = softmax(scores, a.sinks.empty() ? nullptr : &tensor(a.sinks).values.at(head));
        Row sum(index(a.value_width()));
        for (std::size_t t = first; t <= position; ++t)
          for (std::size_t i = 0; i < sum.size(); ++i)
            sum[i] += shares[t - first] * head_of(values[t], kv_head, a.value_width())[i];
        mixed.insert(mixed.end(), sum.begin(), sum.end());
      }
      result.push_back(std::move(mixed));
    }
    return result;
  }

  static std::size_t first_visible(const Attention& a, std::size_t position) {
    const std::size_t window = index(a.window);
    return window > 0 && position + 1 > window ? position + 1 - window : 0;
  }

  static double growth(const Attention& a, std::size_t position) {
    const auto context = static_cast<double>(a.log_context);
    const auto length = static_cast<double>(position + 1);
    return a.log_context > 0 && length > context ? std::log(length) / std::log(context) : 1;
  }

  static double score(const Attention& a, std::size_t head, double product, std::size_t position,
                      std::size_t t) {
    double score = product * static_cast<double>(a.scale) * growth(a, position);
    const double cap = static_cast<double>(a.soft_cap);
    if (cap > 0) score = cap * std::tanh(score / cap);
    return a.slopes.empty() ? score : score - a.slopes[head] * static_cast<double>(position - t);
  }

  // A sink is one more score, whose share goes to nothing.
  static Row softmax(const Row& scores, const double* sink) {
    double largest = *std::max_element(scores.begin(), scores.end());
    if (sink != nullptr) largest = std::max(largest, *sink);
    double sum = sink != nullptr ? std::exp(*sink - largest) : 0;
    Row shares;
    for (const double s : scores) shares.push_back(std::exp(s - largest));
    sum += std::accumulate(shares.begin(), shares.end(), 0.0);
    for (double& share : shares) share /= sum;
    return shares;
  }

  // --- activations and experts

  static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

  static double activate(graph::ActivationFunction function, double x) {
    using enum graph::ActivationFunction;
    switch (function) {
      case silu: return x * sigmoid(x);
      case gelu_tanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
      case gelu_erf: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
      case relu: return std::max(x, 0.0);
      case relu_squared: return std::max(x, 0.0) * std::max(x, 0.0);
      case none: break;
    }
    throw std::logic_error("no such activation");
  }

  // Indices of the `count` largest values.
  static std::vector<std::size_t> largest(const Row& values, std::size_t count) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t i, std::size_t j) { return values[i] > values[j]; });
    order.resize(count);
    return order;
  }

  static Row route(const graph::RouteAttributes& attributes, const Row& logits) {
    const Row shares = softmax(logits, nullptr);
    const std::size_t group = shares.size() / index(attributes.groups);
    Row best;  // of each group
    for (std::size_t first = 0; first < shares.size(); first += group) {
      const auto from = shares.begin() + static_cast<std::ptrdiff_t>(first);
      best.push_back(*std::max_element(from, from + static_cast<std::ptrdiff_t>(group)));
    }
    Row candidates(shares.size(), 0.0);
    for (const std::size_t chosen : largest(best, index(attributes.groups_used)))
      for (std::size_t i = chosen * group; i < (chosen + 1) * group; ++i) candidates[i] = shares[i];
    Row weights(shares.size(), 0.0);
    double sum = 0;
    for (const std::size_t expert : largest(candidates, index(attributes.used)))
      sum += weights[expert] = shares[expert];
    const double divisor = attributes.normalise ? sum : 1;
    for (double& weight : weights) weight *= static_cast<double>(attributes.scale) / divisor;
    return weights;
  }

  Rows experts(const graph::Node& node) {
    Rows result;
    for (std::size_t r = 0; r < input(node, 0).size(); ++r) {
      Row sum(index(graph_.width(node.output)));
      for (std::size_t expert = 0; expert < node.experts.experts.size(); ++expert) {
        const double weight = input(node, 1)[r][expert];
        if (weight == 0) continue;
        const Row y = apply(node.experts, node.experts.experts[expert], input(node, 0)[r]);
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * y[i];
      }
      result.push_back(std::move(sum));
    }
    return result;
  }

  static std::vector<std::size_t> chosen(const Row& weights) {
    std::vector<std::size_t> experts;
    for (std::size_t expert = 0; expert < weights.size(); ++expert)
      if (weights[expert] != 0) experts.push_back(expert);
    return experts;
  }

  Rows expert_gates(const graph::Node& node) {
    const graph::ExpertsAttributes& attributes = node.experts;
    Rows result;
    for (std::size_t r = 0; r < input(node, 0).size(); ++r) {
      const Row& stored = input(node, 0)[r];
      const Row x = attributes.normed ? norm(attributes.norm, stored) : stored;
      Row gates;
      for (const std::size_t expert : chosen(input(node, 1)[r])) {
        const Row part = gated(attributes, attributes.experts[expert], x);
        gates.insert(gates.end(), part.begin(), part.end());
      }
      gates.resize(index(graph_.width(node.output)));
      result.push_back(std::move(gates));
    }
    return result;
  }

  Rows expert_sums(const graph::Node& node) {
    Rows result;
    for (std::size_t r = 0; r < input(node, 0).size(); ++r) {
      Row sum = node.inputs.size() > 2 ? input(node, 2)[r] : Row(index(graph_.width(node.output)));
      const Row& weights = input(node, 1)[r];
      auto first = input(node, 0)[r].begin();
      for (const std::size_t expert : chosen(weights)) {
        const graph::Expert& matrices = node.experts.experts[expert];
        const auto last = first + static_cast<std::ptrdiff_t>(matrices.gate.outputs);
        const Row y = multiply(matrices.down, Row(first, last));
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weights[expert] * y[i];
        first = last;
      }
      result.push_back(std::move(sum));
    }
    return result;
  }

  Row apply(const graph::ExpertsAttributes& attributes, const graph::Expert& expert, const Row& x) {
    return multiply(expert.down, gated(attributes, expert, x));
  }

  Row gated(const graph::ExpertsAttributes& attributes, const graph::Expert& expert, const Row& x) {
    Row gate = multiply(expert.gate, x);
    const Row up = multiply(expert.up, x);
    const double limit = static_cast<double>(attributes.limit);
    for (std::size_t i = 0; i < gate.size(); ++i) {
      if (limit > 0) {
        const double g = std::min(gate[i], limit);
        gate[i] =
            g * sigmoid(static_cast<double>(attributes.slope) * g) * (std::clamp(up[i], -limit, limit) + 1);
      } else {
        gate[i] = activate(attributes.activation, gate[i]) * up[i];
      }
    }
    return gate;
  }

  const graph::Graph& graph_;
  std::function<OracleTensor(const std::string&)> read_;
  std::map<std::string, OracleTensor> tensors_;
  std::vector<Rows> values_;
  std::map<int, std::pair<Rows, Rows>> cache_;  // fused: rotated keys and values by layer
};

}  // namespace burin::tests
