// Lowers a fused graph to steps: formats, kernels, buffers.
#include <algorithm>
#include <map>

#include "graph/arch/architectures.hpp"
#include "graph/column_maps.hpp"
#include "graph/plan.hpp"
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
    resolve_types();
    assign_heads();
    make_matrices();
    assign_buffers();
    lower();
    return std::move(plan_);
  }

 private:
  // --- options

  void resolve_context(std::int64_t trained) {
    if (plan_.options.context == 0) plan_.options.context = std::min(trained, kDefaultContext);
    if (plan_.options.context < 1) fail("context {}: must be at least 1", plan_.options.context);
    if (plan_.options.chunk < 1) fail("chunk {}: must be at least 1", plan_.options.chunk);
    if (plan_.options.context > trained)
      plan_.notes.push_back(fmt::format("context {} is longer than the {} the model was trained for",
                                        plan_.options.context, trained));
    plan_.options.chunk = std::min(plan_.options.chunk, plan_.options.context);
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
      fail("{}: --compute int8 needs integer weights, the file has float ones: add --weights int8 or int4",
           model_.path);
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

  void assign_heads() {
    bool first = true;
    for (const Node& node : graph_.nodes) {
      if (node.op == Op::attention && node.inputs.size() != 1)
        fail("{}: {} was not fused: no kernel for attention with separate keys and values", model_.path,
             node.name);
      if (node.op != Op::linear || node.linear.epilogue != LinearEpilogue::rope_kv) continue;
      const AttentionAttributes& attention = node.linear.attention;
      const kernels::HeadLayout heads = {
          attention.query_heads, attention.kv_heads, attention.head_size,
          plan_.options.kv == KvType::bf16 ? kernels::KvStorage::bf16 : kernels::KvStorage::f32};
      if (!first && (heads != plan_.heads || attention.rope != plan_.rope))
        fail("{}: {}: layers with different heads are not supported yet", model_.path, node.name);
      plan_.heads = heads;
      plan_.rope = attention.rope;
      first = false;
    }
  }

  // --- matrices

  // A run of column blocks of a linear node whose parts have one format.
  struct Segment {
    int matrix = 0;
    std::int64_t first_block = 0;
    std::int64_t last_block = 0;
  };

  std::vector<kernels::ColumnSource> columns_of(const Node& node) const {
    switch (node.linear.epilogue) {
      case LinearEpilogue::gate: return gate_columns(node.linear.parts[0].outputs);
      case LinearEpilogue::rope_kv: return qkv_columns(plan_.heads, plan_.rope);
      default: return plain_columns(node.linear.parts[0].outputs);
    }
  }

  std::int64_t inputs_of(const Node& node) const {
    const auto index = static_cast<std::size_t>(model_.find(node.linear.parts[0].weight));
    return model_.tensors[index].shape[1];
  }

  void make_matrices() {
    for (const Node& node : graph_.nodes) {
      if (node.op == Op::linear) segments_[node.name] = make_segments(node);
      if (node.op == Op::embed) embedding_ = make_embedding(node);
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
    }
    matrix.columns = std::move(columns);
    return share_or_add(std::move(matrix));
  }

  int make_embedding(const Node& node) {
    const auto index = static_cast<std::size_t>(model_.find(node.table));
    PackedMatrix matrix;
    matrix.name = node.name;
    matrix.format = stored_format(node.table);
    matrix.columns = plain_columns(plan_.vocabulary);
    matrix.shape = kernels::packed_shape(matrix.format, model_.tensors[index].shape[1],
                                         static_cast<std::int64_t>(matrix.columns.size()));
    matrix.tensors = {index};
    matrix.biases = {-1};
    return share_or_add(std::move(matrix));
  }

  // A tied head is the embedding's matrix.
  int share_or_add(PackedMatrix matrix) {
    for (std::size_t i = 0; i < plan_.matrices.size(); ++i) {
      const PackedMatrix& known = plan_.matrices[i];
      if (known.tensors == matrix.tensors && known.biases == matrix.biases && known.format == matrix.format &&
          known.shape.total_bytes == matrix.shape.total_bytes && matrix.tensors.size() == 1)
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
      case Op::embed: return matrix(embedding_).shape.padded_inputs;
      case Op::attention: return graph_.values[static_cast<std::size_t>(node.output)].width;
      case Op::linear: {
        const std::int64_t columns = segments_.at(node.name).back().last_block * kernels::kBlockColumns;
        if (node.linear.epilogue == LinearEpilogue::gate) return columns / 2;
        if (node.linear.epilogue == LinearEpilogue::rope_kv)
          return std::int64_t{plan_.heads.query_blocks()} * kernels::kBlockColumns;
        return columns;
      }
      default: fail("{}: {} was not fused: no kernel computes it by itself", model_.path, node.name);
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
        default: lower_linear(node);
      }
    }
  }

  void lower_embed(const Node& node) {
    const PackedMatrix& table = matrix(embedding_);
    Step step;
    step.name = node.name;
    step.matrix = embedding_;
    step.output = buffer_of_.at(node.output);
    step.spec =
        kernels::EmbedSpec{table.shape.inputs, table.shape.columns, table.format, buffer(step.output).width};
    plan_.stream = step.output;
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
    kernels::AttentionSpec spec;
    spec.heads = plan_.heads;
    spec.math = bf16_dots ? kernels::AttentionMath::bf16 : kernels::AttentionMath::f32;
    step.spec = spec;
    add_step(plan_.decode, step);
    add_step(plan_.prefill, step);
  }

  GemmEpilogue epilogue_of(const Node& node) const {
    switch (node.linear.epilogue) {
      case LinearEpilogue::none: return GemmEpilogue::store;
      case LinearEpilogue::add: return GemmEpilogue::add;
      case LinearEpilogue::gate: return GemmEpilogue::gate;
      case LinearEpilogue::rope_kv: return GemmEpilogue::rope_kv;
    }
    return GemmEpilogue::store;
  }

  int norm_vector(const Node& node) {
    if (!node.linear.normed) return -1;
    const auto tensor = static_cast<std::size_t>(model_.find(node.linear.norm.weight));
    const std::int64_t padded = buffer(buffer_of_.at(node.inputs[0])).width;
    for (std::size_t i = 0; i < plan_.vectors.size(); ++i)
      if (plan_.vectors[i].tensor == tensor) return static_cast<int>(i);
    plan_.vectors.push_back({tensor, padded});
    return static_cast<int>(plan_.vectors.size()) - 1;
  }

  void lower_linear(const Node& node) {
    const std::vector<Segment>& segments = segments_.at(node.name);
    Program& one = node.linear.last_row_only ? plan_.head_one : plan_.decode;
    Program& many = node.linear.last_row_only ? plan_.head_many : plan_.prefill;
    Step step;
    step.name = node.name;
    if (node.linear.epilogue == LinearEpilogue::rope_kv) layer_ = node.linear.attention.layer;
    step.layer = node.linear.last_row_only ? -1 : layer_;
    step.input = buffer_of_.at(node.inputs[0]);
    step.output = buffer_of_.at(node.output);
    step.residual = node.linear.epilogue == LinearEpilogue::add ? buffer_of_.at(node.inputs[1]) : -1;
    step.norm = norm_vector(node);
    step.epsilon = node.linear.norm.epsilon;
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
    prepare.spec =
        kernels::PrepareSpec{m.shape.inputs, m.format, activation_for(m.format),
                             node.linear.normed ? RowNorm::rms : RowNorm::none, buffer(gemm.input).width};
    prepare.matrix = prepare.output = prepare.residual = -1;
    prepare.barrier = true;
    add_step(program, prepare);
    Step tiles = gemm;
    tiles.norm = -1;
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
    spec.norm = regime == GemmRegime::stream && node.linear.normed ? RowNorm::rms : RowNorm::none;
    spec.epilogue = epilogue_of(node);
    if (spec.epilogue == GemmEpilogue::gate) spec.function = kernels::ActivationFunction::silu;
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
  int embedding_ = -1;
  int layer_ = -1;  // whose steps are being made: each begins with its QKV node
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
