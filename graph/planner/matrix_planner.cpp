#include "graph/planner/matrix_planner.hpp"

#include <algorithm>

#include "graph/column_maps.hpp"
#include "graph/planner/choices.hpp"
#include "jit/error.hpp"

namespace burin::graph {
namespace {

using kernels::ColumnSource;
using kernels::WeightFormat;

class MatrixPlanner {
 public:
  explicit MatrixPlanner(PlanDraft& draft) : draft_(draft) {}

  MatrixTable plan() {
    for (const Node& node : draft_.graph.nodes) {
      if (node.op == Op::linear) table_.segments[node.name] = linear_segments(node);
      if (node.op == Op::latent) table_.segments[node.name] = absorbed_keys(node);
      if (node.op == Op::embed) table_.embeddings[node.name] = embedding(node);
      if (node.op == Op::expert_gates) table_.experts[node.name] = expert_gates(node);
      if (node.op == Op::expert_sums) table_.experts[node.name] = expert_sums(node);
    }
    return std::move(table_);
  }

 private:
  std::vector<ColumnSource> columns_of_parts(const Node& node) const {
    switch (node.linear.epilogue) {
      case LinearEpilogue::gate: return gate_columns(node.linear.parts[0].outputs);
      case LinearEpilogue::rope_kv:
      case LinearEpilogue::qkv: return qkv_columns(draft_.plan.heads, node.linear.attention.rope);
      case LinearEpilogue::latent: return latent_columns(node.linear.parts, node.linear.attention.rope);
      default:
        if (node.linear.heads > 0) return columns_by_head(node.linear.parts[0].outputs, node.linear.heads);
        return plain_columns(node.linear.parts[0].outputs);
    }
  }

  // By stored row: parts may be views of tensors that hold more than them.
  std::vector<ColumnSource> columns_of(const Node& node) const {
    std::vector<ColumnSource> columns = columns_of_parts(node);
    take_stored_rows(columns, node.linear.parts);
    return columns;
  }

  static void take_stored_rows(std::vector<ColumnSource>& columns, const std::vector<LinearPart>& parts) {
    for (ColumnSource& column : columns) {
      const MatrixView& view = parts[static_cast<std::size_t>(column.matrix)].view;
      if (column.row >= 0) column.row = static_cast<std::int32_t>(view.row(column.row));
    }
  }

  // Parts of a gate product share their blocks, so differing formats are widened to f32 there; elsewhere
  // blocks belong to one part each and keep its format.
  std::vector<WeightFormat> formats_of(const Node& node) {
    std::vector<WeightFormat> formats;
    for (const LinearPart& part : node.linear.parts) formats.push_back(format_of(draft_, node, part));
    if (node.linear.heads > 0)
      formats[0] = format_within_heads(node, formats[0], inputs_of(node.linear.parts[0]));
    const bool mixed =
        std::any_of(formats.begin(), formats.end(), [&](const WeightFormat& f) { return f != formats[0]; });
    if (mixed && node.linear.epilogue == LinearEpilogue::gate) {
      draft_.plan.notes.push_back(
          fmt::format("{}: gate is {} and up is {}: both are widened to f32, which is slower", node.name,
                      to_text(formats[0]), to_text(formats[1])));
      formats.assign(formats.size(), WeightFormat::float_format(kernels::WeightKind::f32));
    }
    return formats;
  }

  std::vector<MatrixSegment> linear_segments(const Node& node) {
    const std::vector<ColumnSource> columns = columns_of(node);
    const std::vector<WeightFormat> formats = formats_of(node);
    const auto part_at = [&](std::int64_t block) {
      return static_cast<std::size_t>(
          columns[static_cast<std::size_t>(block * kernels::kBlockColumns)].matrix);
    };
    const auto alike = [&](std::size_t a, std::size_t b) {
      return formats[a] == formats[b] && node.linear.parts[a].order == node.linear.parts[b].order;
    };
    std::vector<MatrixSegment> segments;
    const auto blocks = static_cast<std::int64_t>(columns.size()) / kernels::kBlockColumns;
    for (std::int64_t first = 0; first < blocks;) {
      std::int64_t last = first + 1;
      const std::size_t part = part_at(first);
      while (last < blocks && alike(part_at(last), part)) ++last;
      const auto begin = columns.begin() + first * kernels::kBlockColumns;
      const auto end = columns.begin() + last * kernels::kBlockColumns;
      segments.push_back(
          {linear_matrix(node, formats[part], {begin, end}), first, last, node.linear.parts[part].order});
      first = last;
    }
    return segments;
  }

  // Groups must not reach from one head's inputs into the next one's.
  WeightFormat format_within_heads(const Node& node, const WeightFormat& format, std::int64_t inputs) {
    if (!format.has_codes() || inputs % kernels::packed_shape(format, inputs, 1).unit_inputs == 0)
      return format;
    draft_.plan.notes.push_back(
        fmt::format("{}: {} has larger groups than the {} inputs of a head: widened to f16, which is slower",
                    node.name, to_text(format), inputs));
    return WeightFormat::float_format(kernels::WeightKind::f16);
  }

  // Keys' matrices of all heads, each the other way round: inputs are the plain part of a query, outputs the latent
  // row. Where they are not stored so (GGUF's attn_k_b), groups run along the latter, and codes cannot be moved.
  WeightFormat absorbed_format(const Node& node) {
    const LinearPart& keys = node.latent.keys;
    const WeightFormat format = format_of(draft_, node, keys);
    if (keys.view.transposed || !stored_format(draft_, keys.weight).has_codes())
      return format_within_heads(node, format, node.latent.plain_size());
    draft_.plan.remarks.push_back(
        fmt::format("{}: transposed, {} is widened to f16", node.name, to_text(format)));
    return WeightFormat::float_format(kernels::WeightKind::f16);
  }

  std::vector<MatrixSegment> absorbed_keys(const Node& node) {
    const LinearPart& keys = node.latent.keys;
    const int heads = node.latent.attention.query_heads;
    PackedMatrix matrix;
    matrix.name = node.name;
    matrix.format = absorbed_format(node);
    add_tensor(matrix, keys);
    if (keys.view.transposed)
      matrix.transposed = {false};
    else
      matrix.by_head = {heads, keys.view};
    matrix.columns = columns_by_head(std::int64_t{heads} * node.latent.attention.value_size, heads);
    matrix.shape = kernels::packed_shape(matrix.format, node.latent.plain_size(),
                                         static_cast<std::int64_t>(matrix.columns.size()));
    const std::int64_t blocks = matrix.shape.columns / kernels::kBlockColumns;
    return {{share_or_add(std::move(matrix)), 0, blocks}};
  }

  std::int64_t inputs_of(const LinearPart& part) const {
    const std::vector<std::int64_t>& shape = draft_.tensor(part.weight).shape;
    return shape[shape.size() - (part.view.transposed ? 2 : 1)];
  }

  void add_tensor(PackedMatrix& matrix, const LinearPart& part) const {
    matrix.tensors.push_back(draft_.tensor_index(part.weight));
    matrix.biases.push_back(part.bias.empty() ? -1 : draft_.model.find(part.bias));
    matrix.transposed.push_back(part.view.transposed);
    matrix.slices.push_back(part.view.slice);
    matrix.unit_rows = part.unit_rows;
  }

  // --- experts: one matrix of gate and up of all of them, one of down

  // As many columns, of zeros at the end, as make every input that the down kernel reads.
  int expert_gates(const Node& node) {
    const Expert& first = node.experts.experts.front();
    std::vector<ColumnSource> columns = gate_columns(first.gate.outputs);
    take_stored_rows(columns, {first.gate, first.up});
    columns.resize(static_cast<std::size_t>(2 * expert_width(draft_, node)));
    return expert_matrix(node, expert_parts(node, {&Expert::gate, &Expert::up}), std::move(columns));
  }

  int expert_sums(const Node& node) {
    const Expert& first = node.experts.experts.front();
    std::vector<ColumnSource> columns = plain_columns(first.down.outputs);
    take_stored_rows(columns, {first.down});
    return expert_matrix(node, expert_parts(node, {&Expert::down}), std::move(columns));
  }

  // Kernels are the same for all experts, so their matrices need one format.
  int expert_matrix(const Node& node, const std::vector<const LinearPart*>& parts,
                    std::vector<ColumnSource> columns) {
    PackedMatrix matrix;
    matrix.name = node.name;
    matrix.format = common_format(draft_, node, parts);
    for (const LinearPart* part : parts)
      if (const WeightFormat own = format_of(draft_, node, *part); own != matrix.format) {
        draft_.plan.notes.push_back(
            fmt::format("{}: {} is {}, other experts' are not: all are widened to f32, which is slower",
                        node.name, part->weight, to_text(own)));
        break;
      }
    matrix.experts = static_cast<std::int64_t>(node.experts.experts.size());
    matrix.shape = kernels::packed_shape(matrix.format, inputs_of(*parts[0]),
                                         static_cast<std::int64_t>(columns.size()) * matrix.experts);
    for (const LinearPart* part : parts) add_tensor(matrix, *part);
    matrix.columns = std::move(columns);
    return add(std::move(matrix));
  }

  int linear_matrix(const Node& node, const WeightFormat& format, std::vector<ColumnSource> columns) {
    PackedMatrix matrix;
    matrix.name = node.name;
    matrix.format = format;
    matrix.shape = kernels::packed_shape(format, inputs_of(node.linear.parts[0]),
                                         static_cast<std::int64_t>(columns.size()));
    for (const LinearPart& part : node.linear.parts) add_tensor(matrix, part);
    matrix.columns = std::move(columns);
    return share_or_add(std::move(matrix));
  }

  int embedding(const Node& node) {
    const TensorDescription& table = draft_.tensor(node.embed.table);
    PackedMatrix matrix;
    matrix.name = node.name;
    matrix.format = stored_format(draft_, node.embed.table);
    matrix.columns = plain_columns(
        node.embed.index == EmbedIndex::token ? draft_.plan.vocabulary : table.shape[0] - node.embed.offset);
    for (ColumnSource& column : matrix.columns)
      if (column.row >= 0) column.row += static_cast<std::int32_t>(node.embed.offset);
    matrix.shape = kernels::packed_shape(matrix.format, table.shape[1],
                                         static_cast<std::int64_t>(matrix.columns.size()));
    matrix.tensors = {draft_.tensor_index(node.embed.table)};
    matrix.biases = {-1};
    matrix.transposed = {false};
    matrix.slices = {0};
    return share_or_add(std::move(matrix));
  }

  // A tied head is the embedding's matrix.
  int share_or_add(PackedMatrix matrix) {
    std::vector<PackedMatrix>& matrices = draft_.plan.matrices;
    const auto known = std::find_if(matrices.begin(), matrices.end(), [&](const PackedMatrix& other) {
      return matrix.tensors.size() == 1 && other.tensors == matrix.tensors && other.biases == matrix.biases &&
             other.slices == matrix.slices && other.format == matrix.format &&
             other.columns == matrix.columns && other.by_head == matrix.by_head &&
             other.unit_rows == matrix.unit_rows;
    });
    return known != matrices.end() ? static_cast<int>(known - matrices.begin()) : add(std::move(matrix));
  }

  int add(PackedMatrix matrix) {
    std::vector<PackedMatrix>& matrices = draft_.plan.matrices;
    draft_.plan.weight_bytes += matrix.shape.total_bytes;
    matrices.push_back(std::move(matrix));
    return static_cast<int>(matrices.size()) - 1;
  }

  PlanDraft& draft_;
  MatrixTable table_;
};

}  // namespace

MatrixTable plan_matrices(PlanDraft& draft) { return MatrixPlanner(draft).plan(); }

}  // namespace burin::graph
