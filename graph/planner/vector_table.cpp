#include "graph/planner/vector_table.hpp"

#include <algorithm>

#include "graph/column_maps.hpp"

namespace burin::graph {

namespace {

std::vector<std::string> weights_of(const NormAttributes& norm) {
  return norm.weights.empty() ? std::vector<std::string>{norm.weight} : norm.weights;
}

}  // namespace

int VectorTable::add(PaddedVector vector) {
  std::vector<PaddedVector>& vectors = draft_.plan.vectors;
  const auto known = std::find(vectors.begin(), vectors.end(), vector);
  const auto index = known - vectors.begin();
  if (known == vectors.end()) vectors.push_back(std::move(vector));
  return static_cast<int>(index);
}

int VectorTable::stored(const std::string& tensor, std::int64_t padded, float offset,
                        std::span<const std::int32_t> order) {
  const std::size_t index = draft_.tensor_index(tensor);
  PaddedVector vector = {{index}, {}, offset, {}};
  vector.places.resize(static_cast<std::size_t>(padded));
  const std::int64_t length = draft_.model.tensors[index].shape[0];
  for (std::int64_t i = 0; i < length; ++i)
    vector.places[static_cast<std::size_t>(i)] = {
        0, order.empty() ? static_cast<std::int32_t>(i) : order[static_cast<std::size_t>(i)]};
  return add(std::move(vector));
}

int VectorTable::zeros(std::int64_t padded) {
  return add({{}, {}, 0, std::vector<float>(static_cast<std::size_t>(padded), 0.0f)});
}

int VectorTable::slopes(const AttentionAttributes& attention) {
  if (attention.slopes.empty()) return -1;
  return add({{}, {}, 0, {attention.slopes.begin(), attention.slopes.end()}});
}

int VectorTable::sinks(const AttentionAttributes& attention) {
  return attention.sinks.empty() ? -1 : stored(attention.sinks, attention.query_heads);
}

void VectorTable::set_norm(Step& step, const NormAttributes& norm, int input) {
  set_norm_of_part(step, norm, draft_.buffer(input).width);
}

void VectorTable::set_norm_of_part(Step& step, const NormAttributes& norm, std::int64_t padded) {
  std::span<const std::int32_t> order;
  if (step.order >= 0) order = draft_.plan.orders[static_cast<std::size_t>(step.order)];
  step.norm = stored(norm.weight, padded, norm.weight_offset, order);
  if (norm.kind == NormKind::layer)
    step.norm_bias = norm.bias.empty() ? zeros(padded) : stored(norm.bias, padded, 0, order);
  step.epsilon = norm.epsilon;
}

void VectorTable::set_head_norms(Step& step, const HeadsAttributes& heads) {
  const NormAttributes& query = heads.query_norm;
  step.epsilon = query.epsilon;
  step.norm = query_and_key(heads, weights_of(query), weights_of(heads.key_norm), query.weight_offset);
  if (query.kind != NormKind::layer) return;
  step.norm_bias = query.bias.empty() ? zeros(normed_columns())
                                      : query_and_key(heads, {query.bias}, {heads.key_norm.bias}, 0);
}

// A norm over heads has one vector for all of them, all heads' vectors in one tensor, or a tensor for each head.
int VectorTable::query_and_key(const HeadsAttributes& heads, const std::vector<std::string>& query,
                               const std::vector<std::string>& key, float offset) {
  PaddedVector vector = {{}, qkv_columns(draft_.plan.heads, heads.attention.rope), offset, {}};
  vector.places.resize(static_cast<std::size_t>(normed_columns()));
  for (const std::vector<std::string>* names : {&query, &key})
    for (const std::string& name : *names) vector.tensors.push_back(draft_.tensor_index(name));
  const std::int32_t size = draft_.plan.heads.head_size;
  for (kernels::ColumnSource& place : vector.places) {
    if (place.row < 0 || heads.query_norm.group == 0) continue;
    const std::vector<std::string>& names = place.matrix == 0 ? query : key;
    const std::int32_t first = place.matrix == 0 ? 0 : static_cast<std::int32_t>(query.size());
    const bool by_head = names.size() > 1;
    const std::int32_t head = place.row / size;
    place.matrix = first + (by_head ? head : 0);
    if (by_head || draft_.tensor(names[0]).shape.size() == 1) place.row %= size;
  }
  return add(std::move(vector));
}

std::int64_t VectorTable::normed_columns() const {
  const kernels::HeadLayout& heads = draft_.plan.heads;
  return std::int64_t{heads.query_blocks() + heads.key_blocks()} * kernels::kBlockColumns;
}

}  // namespace burin::graph
