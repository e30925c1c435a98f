// Lowers a fused graph to steps: formats, kernels, buffers.
#include <algorithm>
#include <map>

#include "graph/arch/architectures.hpp"
#include "graph/column_maps.hpp"
#include "graph/lowerable.hpp"
#include "graph/plan.hpp"
#include "graph/widened_types.hpp"
#include "jit/error.hpp"
#include "jit/spec_text.hpp"

namespace burin::graph {
namespace {

using kernels::Activation;
using kernels::ActivationRows;
using kernels::GemmEpilogue;
using kernels::GemmRegime;
using kernels::GemmSpec;
using kernels::RowNorm;
using kernels::WeightFormat;

constexpr std::int64_t kDefaultContext = 4096;
constexpr std::int64_t kHeadRows = 32;
constexpr std::uint64_t kSmallModelBytes = 16u << 20;

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

class Planner {
 public:
  Planner(const ModelDescription& model, const jit::Target& target, const PlanOptions& options)
      : model_(model) {
    plan_.model = model.path;
    plan_.architecture = model.architecture;
    plan_.target = target;
    plan_.options = options;
  }

  Plan make() {
    Decoder decoder = build_decoder(model_);
    plan_.trace = run_passes(decoder.graph);
    plan_.layers = decoder.layers;
    plan_.vocabulary = decoder.vocabulary;
    graph_ = std::move(decoder.graph);
    resolve_context(decoder.context);
    require_kernels(graph_, model_, plan_.options.context);
    resolve_types();
    assign_heads();
    make_matrices();
    for (std::string& remark : widened_types(model_, plan_.matrices))
      plan_.remarks.push_back(std::move(remark));
    assign_buffers();
    lower();
    return std::move(plan_);
  }

 private:
  // --- options

  void resolve_context(std::int64_t trained) {
    if (plan_.options.context == 0) choose_context(trained);
    if (plan_.options.context < 1) fail("context {}: must be at least 1", plan_.options.context);
    if (plan_.options.chunk < 1) fail("chunk {}: must be at least 1", plan_.options.chunk);
    if (plan_.options.context > trained)
      plan_.notes.push_back(fmt::format("context {} is longer than the {} the model was trained for",
                                        plan_.options.context, trained));
    plan_.options.chunk = std::min(plan_.options.chunk, plan_.options.context);
  }

  void choose_context(std::int64_t trained) {
    const std::int64_t wanted = std::min(trained, kDefaultContext);
    plan_.options.context = std::min(wanted, largest_context(graph_));
    if (plan_.options.context < wanted)
      plan_.notes.push_back(
          fmt::format("context is {}: longer ones need another rotation, which has no kernel yet",
                      plan_.options.context));
  }

  WeightFormat stored_format(const std::string& tensor) const {
    const auto index = static_cast<std::size_t>(model_.find(tensor));
    return kernels::natural_format(*model_.tensors[index].type);
  }

  // Quantising on load is for the layers' matrices; embedding and head stay as stored.
  WeightFormat format_of(const Node& node, const LinearPart& part) const {
    if (plan_.options.weights && !node.linear.last_row_only) return *plan_.options.weights;
    return stored_format(part.weight);
  }

  bool layers_have(bool integer) const {
    return std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [&](const Node& node) {
      return node.op == Op::linear && !node.linear.last_row_only &&
             std::any_of(node.linear.parts.begin(), node.linear.parts.end(), [&](const LinearPart& part) {
               return format_of(node, part).is_integer() == integer;
             });
    });
  }

  void resolve_types() {
    PlanOptions& options = plan_.options;
    if (options.compute == ComputeType::int8 && layers_have(false))
      fail(
          "{}: --compute int8 needs integer weights, {} are none: use --compute f32, or --weights int8 or "
          "int4",
          model_.path, options.weights ? to_text(*options.weights) : "some of the file's");
    if (options.compute == ComputeType::automatic) options.compute = automatic_compute();
    if (options.kv == KvType::automatic)
      options.kv = options.compute == ComputeType::f32 ? KvType::f32 : KvType::bf16;
  }

  // int8 is for models that are bound by memory or multipliers. One that stays in the caches gains nothing a
  // person would notice, so it is computed exactly.
  ComputeType automatic_compute() {
    if (!layers_have(true)) return ComputeType::f32;
    std::uint64_t bytes = 0;
    for (const TensorDescription& tensor : model_.tensors) bytes += tensor.bytes;
    if (bytes >= kSmallModelBytes) return ComputeType::int8;
    plan_.remarks.push_back(
        fmt::format("compute is f32: {} bytes of weights stay in the caches; --compute int8 "
                    "rounds activations and is meant for larger models",
                    bytes));
    return ComputeType::f32;
  }

  Activation activation_for(const WeightFormat& format) const {
    return format.is_integer() && plan_.options.compute == ComputeType::int8 ? Activation::s8
                                                                             : Activation::f32;
  }

  // Of the linear node that makes Q, K and V; null for other nodes.
  static const AttentionAttributes* projected_heads(const Node& node) {
    const bool projects = node.op == Op::linear && (node.linear.epilogue == LinearEpilogue::rope_kv ||
                                                    node.linear.epilogue == LinearEpilogue::qkv);
    return projects ? &node.linear.attention : nullptr;
  }

  void assign_heads() {
    bool first = true;
    for (const Node& node : graph_.nodes) {
      const AttentionAttributes* attention = projected_heads(node);
      if (attention == nullptr) continue;
      const kernels::HeadLayout heads = {
          attention->query_heads, attention->kv_heads, attention->head_size,
          plan_.options.kv == KvType::bf16 ? kernels::KvStorage::bf16 : kernels::KvStorage::f32};
      if (!first && heads != plan_.heads)
        fail("{}: {}: layers with different heads are not supported yet", model_.path, node.name);
      plan_.heads = heads;
      first = false;
      if (std::find(plan_.ropes.begin(), plan_.ropes.end(), attention->rope) == plan_.ropes.end())
        plan_.ropes.push_back(attention->rope);
    }
  }

  int rope_index(const RopeAttributes& rope) const {
    return static_cast<int>(std::find(plan_.ropes.begin(), plan_.ropes.end(), rope) - plan_.ropes.begin());
  }

  // --- matrices

  // A run of column blocks of a linear node whose parts have one format.
  struct Segment {
    int matrix = 0;
    std::int64_t first_block = 0;
    std::int64_t last_block = 0;
  };

  // By stored row: parts may be views of tensors that hold more than them.
  std::vector<kernels::ColumnSource> columns_of(const Node& node) const {
    std::vector<kernels::ColumnSource> columns = columns_of_parts(node);
    for (kernels::ColumnSource& column : columns) {
      const MatrixView& view = node.linear.parts[static_cast<std::size_t>(column.matrix)].view;
      if (column.row >= 0) column.row = static_cast<std::int32_t>(view.row(column.row));
    }
    return columns;
  }

  std::vector<kernels::ColumnSource> columns_of_parts(const Node& node) const {
    switch (node.linear.epilogue) {
      case LinearEpilogue::gate: return gate_columns(node.linear.parts[0].outputs);
      case LinearEpilogue::rope_kv:
      case LinearEpilogue::qkv: return qkv_columns(plan_.heads, node.linear.attention.rope);
      default: return plain_columns(node.linear.parts[0].outputs);
    }
  }

  std::int64_t inputs_of(const Node& node) const {
    const LinearPart& part = node.linear.parts[0];
    const auto index = static_cast<std::size_t>(model_.find(part.weight));
    return model_.tensors[index].shape[part.view.transposed ? 0 : 1];
  }

  void make_matrices() {
    for (const Node& node : graph_.nodes) {
      if (node.op == Op::linear) segments_[node.name] = make_segments(node);
      if (node.op == Op::embed) embeddings_[node.name] = make_embedding(node);
    }
  }

  // Parts of a gate product share their blocks, so differing formats are widened to f32 there; elsewhere
  // blocks belong to one part each and keep its format.
  std::vector<Segment> make_segments(const Node& node) {
    const std::vector<kernels::ColumnSource> columns = columns_of(node);
    std::vector<WeightFormat> formats;
    for (const LinearPart& part : node.linear.parts) formats.push_back(format_of(node, part));
    const bool mixed =
        std::any_of(formats.begin(), formats.end(), [&](const WeightFormat& f) { return f != formats[0]; });
    if (mixed && node.linear.epilogue == LinearEpilogue::gate) {
      plan_.notes.push_back(
          fmt::format("{}: gate is {} and up is {}: both are widened to f32, which is slower", node.name,
                      to_text(formats[0]), to_text(formats[1])));
      formats.assign(formats.size(), WeightFormat::float_format(kernels::WeightKind::f32));
    }
    std::vector<Segment> segments;
    const auto blocks = static_cast<std::int64_t>(columns.size()) / kernels::kBlockColumns;
    const auto format_at = [&](std::int64_t block) {
      return formats[static_cast<std::size_t>(
          columns[static_cast<std::size_t>(block * kernels::kBlockColumns)].matrix)];
    };
    for (std::int64_t first = 0; first < blocks;) {
      std::int64_t last = first + 1;
      while (last < blocks && format_at(last) == format_at(first)) ++last;
      const auto begin = columns.begin() + first * kernels::kBlockColumns;
      const auto end = columns.begin() + last * kernels::kBlockColumns;
      segments.push_back({add_matrix(node, format_at(first), {begin, end}), first, last});
      first = last;
    }
    return segments;
  }

  int add_matrix(const Node& node, const WeightFormat& format, std::vector<kernels::ColumnSource> columns) {
    PackedMatrix matrix;
    matrix.name = node.name;
    matrix.format = format;
    matrix.shape = kernels::packed_shape(format, inputs_of(node), static_cast<std::int64_t>(columns.size()));
    for (const LinearPart& part : node.linear.parts) {
      matrix.tensors.push_back(static_cast<std::size_t>(model_.find(part.weight)));
      matrix.biases.push_back(part.bias.empty() ? -1 : model_.find(part.bias));
      matrix.transposed.push_back(part.view.transposed);
    }
    matrix.columns = std::move(columns);
    return share_or_add(std::move(matrix));
  }

  int make_embedding(const Node& node) {
    const auto index = static_cast<std::size_t>(model_.find(node.embed.table));
    PackedMatrix matrix;
    matrix.name = node.name;
    matrix.format = stored_format(node.embed.table);
    matrix.columns = plain_columns(node.embed.index == EmbedIndex::token
                                       ? plan_.vocabulary
                                       : model_.tensors[index].shape[0] - node.embed.offset);
    for (kernels::ColumnSource& column : matrix.columns)
      if (column.row >= 0) column.row += static_cast<std::int32_t>(node.embed.offset);
    matrix.shape = kernels::packed_shape(matrix.format, model_.tensors[index].shape[1],
                                         static_cast<std::int64_t>(matrix.columns.size()));
    matrix.tensors = {index};
    matrix.biases = {-1};
    matrix.transposed = {false};
    return share_or_add(std::move(matrix));
  }

  // A tied head is the embedding's matrix.
  int share_or_add(PackedMatrix matrix) {
    for (std::size_t i = 0; i < plan_.matrices.size(); ++i) {
      const PackedMatrix& known = plan_.matrices[i];
      if (known.tensors == matrix.tensors && known.biases == matrix.biases && known.format == matrix.format &&
          known.columns == matrix.columns && matrix.tensors.size() == 1)
        return static_cast<int>(i);
    }
    plan_.weight_bytes += matrix.shape.total_bytes;
    plan_.matrices.push_back(std::move(matrix));
    return static_cast<int>(plan_.matrices.size()) - 1;
  }

  const PackedMatrix& matrix(int index) const { return plan_.matrices[static_cast<std::size_t>(index)]; }

  ActivationRows rows_for(const PackedMatrix& m) const {
    return kernels::activation_rows(activation_for(m.format), m.shape.inputs, m.format);
  }

  // --- buffers

  // Floats per row that the maker writes or a reader reads.
  std::int64_t buffer_width(ValueId value) const {
    std::int64_t width = 0;
    for (const Node& node : graph_.nodes) {
      if (node.output == value) width = std::max(width, written_width(node));
      if (node.op != Op::linear || node.inputs[0] != value) continue;
      for (const Segment& segment : segments_.at(node.name))
        width = std::max(width, rows_for(matrix(segment.matrix)).padded);
    }
    return round_up(width, kernels::kBlockColumns);
  }

  std::int64_t written_width(const Node& node) const {
    switch (node.op) {
      case Op::embed: return matrix(embeddings_.at(node.name)).shape.padded_inputs;
      case Op::heads: return std::int64_t{plan_.heads.query_blocks()} * kernels::kBlockColumns;
      case Op::attention: return graph_.values[static_cast<std::size_t>(node.output)].width;
      case Op::linear: {
        const std::int64_t columns = segments_.at(node.name).back().last_block * kernels::kBlockColumns;
        if (node.linear.epilogue == LinearEpilogue::gate) return columns / 2;
        if (node.linear.epilogue == LinearEpilogue::rope_kv)
          return std::int64_t{plan_.heads.query_blocks()} * kernels::kBlockColumns;
        return columns;
      }
      default: return round_up(graph_.width(node.output), kernels::kBlockColumns);
    }
  }

  void assign_buffers() {
    std::map<ValueId, RowExtent> extents;
    for (const Node& node : graph_.nodes)
      extents[node.output] = {buffer_width(node.output), written_width(node)};
    Arena arena = assign_arena(graph_, extents, plan_.options.chunk, kHeadRows);
    plan_.buffers = std::move(arena.buffers);
    plan_.arena_bytes = arena.bytes;
    buffer_of_ = std::move(arena.buffer_of);
    plan_.logits = buffer_of_.at(graph_.logits);
    plan_.head_rows = kHeadRows;
  }

  const Buffer& buffer(int index) const { return plan_.buffers[static_cast<std::size_t>(index)]; }

  // --- steps

  void lower() {
    for (const Node& node : graph_.nodes) {
      switch (node.op) {
        case Op::embed: lower_embed(node); break;
        case Op::attention: lower_attention(node); break;
        case Op::linear: lower_linear(node); break;
        case Op::heads: lower_heads(node); break;
        default: lower_rowwise(node);
      }
    }
  }

  void lower_embed(const Node& node) {
    Step step;
    step.name = node.name;
    step.matrix = embeddings_.at(node.name);
    step.by_position = node.embed.index == EmbedIndex::position;
    const PackedMatrix& table = matrix(step.matrix);
    step.output = buffer_of_.at(node.output);
    step.spec =
        kernels::EmbedSpec{table.shape.inputs, table.shape.columns, table.format, buffer(step.output).width};
    add_step(plan_.decode, step);
    add_step(plan_.prefill, step);
  }

  void lower_attention(const Node& node) {
    const bool bf16_dots = plan_.heads.kv == kernels::KvStorage::bf16 &&
                           plan_.target.has(jit::Feature::avx512bf16) &&
                           plan_.options.compute != ComputeType::f32;
    Step step;
    step.name = node.name;
    step.layer = node.attention.layer;
    step.input = buffer_of_.at(node.inputs[0]);
    step.output = buffer_of_.at(node.output);
    step.scale = node.attention.scale;
    step.constant = node.attention.soft_cap;
    step.slopes = alibi_vector(node.attention);
    step.sinks = sink_vector(node.attention);
    kernels::AttentionSpec spec;
    spec.window = node.attention.window < plan_.options.context ? node.attention.window : 0;
    spec.soft_cap = node.attention.soft_cap > 0;
    spec.alibi = step.slopes >= 0;
    spec.sinks = step.sinks >= 0;
    spec.heads = plan_.heads;
    spec.math = bf16_dots ? kernels::AttentionMath::bf16 : kernels::AttentionMath::f32;
    step.spec = spec;
    add_step(plan_.decode, step);
    add_step(plan_.prefill, step);
  }

  GemmEpilogue epilogue_of(const Node& node) const {
    switch (node.linear.epilogue) {
      case LinearEpilogue::none:
      case LinearEpilogue::qkv: return GemmEpilogue::store;
      case LinearEpilogue::activate: return GemmEpilogue::activate;
      case LinearEpilogue::add: return GemmEpilogue::add;
      case LinearEpilogue::gate: return GemmEpilogue::gate;
      case LinearEpilogue::rope_kv: return GemmEpilogue::rope_kv;
    }
    return GemmEpilogue::store;
  }

  // --- vectors

  int add_vector(PaddedVector vector) {
    const auto known = std::find(plan_.vectors.begin(), plan_.vectors.end(), vector);
    const auto index = known - plan_.vectors.begin();
    if (known == plan_.vectors.end()) plan_.vectors.push_back(std::move(vector));
    return static_cast<int>(index);
  }

  int stored_vector(const std::string& tensor, std::int64_t padded, float offset = 0) {
    const auto index = static_cast<std::size_t>(model_.find(tensor));
    PaddedVector vector = {{index}, {}, offset, {}};
    vector.places.resize(static_cast<std::size_t>(padded));
    for (std::int64_t i = 0; i < model_.tensors[index].shape[0]; ++i)
      vector.places[static_cast<std::size_t>(i)] = {0, static_cast<std::int32_t>(i)};
    return add_vector(std::move(vector));
  }

  int zero_vector(std::int64_t padded) {
    return add_vector({{}, {}, 0, std::vector<float>(static_cast<std::size_t>(padded), 0.0f)});
  }

  // Weight and bias of a norm over rows of the buffer `input`.
  void set_norm(Step& step, const NormAttributes& norm, int input) {
    const std::int64_t padded = buffer(input).width;
    step.norm = stored_vector(norm.weight, padded, norm.weight_offset);
    if (norm.kind == NormKind::layer)
      step.norm_bias = norm.bias.empty() ? zero_vector(padded) : stored_vector(norm.bias, padded);
    step.epsilon = norm.epsilon;
  }

  // Queries' and keys' vectors in the order of the merged columns; a head's is the same for all heads.
  int heads_vector(const HeadsAttributes& heads, const std::string& query, const std::string& key,
                   float offset) {
    PaddedVector vector = {
        {static_cast<std::size_t>(model_.find(query)), static_cast<std::size_t>(model_.find(key))},
        qkv_columns(plan_.heads, heads.attention.rope),
        offset,
        {}};
    vector.places.resize(static_cast<std::size_t>(normed_columns()));
    if (heads.query_norm.group > 0)
      for (kernels::ColumnSource& place : vector.places)
        if (place.row >= 0) place.row %= plan_.heads.head_size;
    return add_vector(std::move(vector));
  }

  std::int64_t normed_columns() const {
    return std::int64_t{plan_.heads.query_blocks() + plan_.heads.key_blocks()} * kernels::kBlockColumns;
  }

  int alibi_vector(const AttentionAttributes& attention) {
    if (attention.slopes.empty()) return -1;
    return add_vector({{}, {}, 0, {attention.slopes.begin(), attention.slopes.end()}});
  }

  int sink_vector(const AttentionAttributes& attention) {
    return attention.sinks.empty() ? -1 : stored_vector(attention.sinks, attention.query_heads);
  }

  static RowNorm kernel_norm(NormKind kind) {
    return kind == NormKind::layer ? RowNorm::layer : RowNorm::rms;
  }

  static RowNorm norm_of(const Node& node) {
    return node.linear.normed ? kernel_norm(node.linear.norm.kind) : RowNorm::none;
  }

  // --- steps of nodes

  void lower_heads(const Node& node) {
    const HeadsAttributes& heads = node.heads;
    Step step;
    step.name = node.name;
    step.layer = heads.attention.layer;
    step.input = buffer_of_.at(node.inputs[0]);
    step.output = buffer_of_.at(node.output);
    step.rope = rope_index(heads.attention.rope);
    step.last_block = plan_.heads.blocks();
    step.constant = heads.limit;
    kernels::HeadsSpec spec;
    spec.heads = plan_.heads;
    spec.clip = heads.limit > 0;
    spec.input_stride = buffer(step.input).width;
    spec.output_stride = buffer(step.output).width;
    if (heads.normed) {
      spec.norm = kernel_norm(heads.query_norm.kind);
      spec.unit = heads.query_norm.group > 0 ? kernels::HeadNormUnit::head : kernels::HeadNormUnit::part;
      step.epsilon = heads.query_norm.epsilon;
      step.norm =
          heads_vector(heads, heads.query_norm.weight, heads.key_norm.weight, heads.query_norm.weight_offset);
      if (spec.norm == RowNorm::layer)
        step.norm_bias = heads.query_norm.bias.empty()
                             ? zero_vector(normed_columns())
                             : heads_vector(heads, heads.query_norm.bias, heads.key_norm.bias, 0);
    }
    step.spec = spec;
    add_step(plan_.decode, step);
    add_step(plan_.prefill, step);
  }

  static kernels::RowOperation row_operation(Op op) {
    switch (op) {
      case Op::norm: return kernels::RowOperation::norm;
      case Op::activation: return kernels::RowOperation::activate;
      case Op::multiply: return kernels::RowOperation::multiply;
      case Op::scale: return kernels::RowOperation::scale;
      case Op::clip: return kernels::RowOperation::clip;
      case Op::soft_cap: return kernels::RowOperation::soft_cap;
      default: return kernels::RowOperation::add;
    }
  }

  // What no pass fused.
  void lower_rowwise(const Node& node) {
    Step step;
    step.name = node.name;
    step.layer = in_head_ ? -1 : layer_;
    step.input = buffer_of_.at(node.inputs[0]);
    step.output = buffer_of_.at(node.output);
    step.residual = node.inputs.size() > 1 ? buffer_of_.at(node.inputs[1]) : -1;
    step.constant = node.constant;
    kernels::RowwiseSpec spec;
    spec.operation = row_operation(node.op);
    if (node.op == Op::norm) {
      set_norm(step, node.norm, step.input);
      spec.norm = kernel_norm(node.norm.kind);
    }
    if (node.op == Op::activation) spec.function = node.activation;
    spec.width = graph_.width(node.output);
    spec.input_stride = buffer(step.input).width;
    spec.other_stride = step.residual < 0 ? 0 : buffer(step.residual).width;
    spec.output_stride = buffer(step.output).width;
    step.spec = spec;
    add_step(in_head_ ? plan_.head_one : plan_.decode, step);
    add_step(in_head_ ? plan_.head_many : plan_.prefill, step);
  }

  void lower_linear(const Node& node) {
    const std::vector<Segment>& segments = segments_.at(node.name);
    Program& one = node.linear.last_row_only ? plan_.head_one : plan_.decode;
    Program& many = node.linear.last_row_only ? plan_.head_many : plan_.prefill;
    Step step;
    step.name = node.name;
    in_head_ = in_head_ || node.linear.last_row_only;
    if (const AttentionAttributes* attention = projected_heads(node)) {
      layer_ = attention->layer;
      step.rope = rope_index(attention->rope);
    }
    step.layer = in_head_ ? -1 : layer_;
    step.input = buffer_of_.at(node.inputs[0]);
    step.output = buffer_of_.at(node.output);
    step.residual = node.linear.epilogue == LinearEpilogue::add ? buffer_of_.at(node.inputs[1]) : -1;
    if (node.linear.normed) set_norm(step, node.linear.norm, step.input);
    for (const Segment& segment : segments) {
      step.barrier = segment.last_block == segments.back().last_block;
      step.matrix = segment.matrix;
      step.first_block = segment.first_block;
      step.last_block = segment.last_block;
      step.spec = gemm_spec(node, step, GemmRegime::stream);
      add_step(one, step);
      lower_tiles(node, step, many);
    }
  }

  // Many rows: prepared first, shared out by rows, then multiplied, shared out by columns.
  void lower_tiles(const Node& node, const Step& gemm, Program& program) {
    const PackedMatrix& m = matrix(gemm.matrix);
    Step prepare = gemm;
    prepare.name += ".prepare";
    prepare.spec = kernels::PrepareSpec{m.shape.inputs, m.format, activation_for(m.format), norm_of(node),
                                        buffer(gemm.input).width};
    prepare.matrix = prepare.output = prepare.residual = -1;
    prepare.barrier = true;
    add_step(program, prepare);
    Step tiles = gemm;
    tiles.norm = tiles.norm_bias = -1;
    // Before the next segment overwrites the prepared rows, all threads must be done with them.
    tiles.barrier = true;
    tiles.spec = gemm_spec(node, gemm, GemmRegime::tiles);
    add_step(program, tiles);
    plan_.prepared_row_bytes =
        std::max(plan_.prepared_row_bytes, static_cast<std::size_t>(rows_for(m).row_bytes));
  }

  GemmSpec gemm_spec(const Node& node, const Step& step, GemmRegime regime) {
    const PackedMatrix& m = matrix(step.matrix);
    GemmSpec spec;
    spec.inputs = m.shape.inputs;
    spec.columns = segments_.at(node.name).back().last_block * kernels::kBlockColumns;
    spec.weights = m.format;
    spec.activation = activation_for(m.format);
    spec.regime = regime;
    spec.norm = regime == GemmRegime::stream ? norm_of(node) : RowNorm::none;
    spec.epilogue = epilogue_of(node);
    spec.function = node.linear.activation;
    spec.bias = m.has_bias();
    spec.output_stride = buffer(step.output).width;
    if (spec.epilogue == GemmEpilogue::rope_kv) spec.heads = plan_.heads;
    return spec;
  }

  void add_step(Program& program, Step step) {
    step.kernel = kernel_name(step.spec);
    program.push_back(std::move(step));
  }

  const ModelDescription& model_;
  Plan plan_;
  Graph graph_;
  std::map<std::string, int> embeddings_;  // by node name
  int layer_ = -1;                         // whose steps are being made: each begins with its QKV node
  bool in_head_ = false;
  std::map<std::string, std::vector<Segment>> segments_;  // by node name
  std::map<ValueId, int> buffer_of_;
};

}  // namespace

bool PackedMatrix::has_bias() const {
  return std::any_of(biases.begin(), biases.end(), [](std::ptrdiff_t bias) { return bias >= 0; });
}

Plan make_plan(const ModelDescription& model, const jit::Target& target, const PlanOptions& options) {
  return Planner(model, target, options).make();
}

}  // namespace burin::graph
