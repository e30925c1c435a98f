// The four matrices of a 7B layer: one row (bound by memory) and a chunk of rows (bound by the multipliers).
#include <algorithm>

#include "bench/bench_support.hpp"
#include "templates/gemm/gemm_spec.hpp"
#include "templates/prepare/prepare_spec.hpp"

namespace burin::bench {
namespace {

using namespace kernels;

constexpr std::int64_t kHidden = 4096;
constexpr std::int64_t kFeedForward = 11008;
constexpr std::int64_t kChunk = 512;
constexpr HeadLayout kHeads = {32, 32, 128, KvStorage::bf16};

struct Shape {
  std::int64_t inputs;
  std::int64_t columns;
  GemmEpilogue epilogue;
  RowNorm norm;
};
constexpr Shape kShapes[] = {
    {kHidden, 3 * kHidden, GemmEpilogue::rope_kv, RowNorm::rms},
    {kHidden, kHidden, GemmEpilogue::add, RowNorm::none},
    {kHidden, 2 * kFeedForward, GemmEpilogue::gate, RowNorm::rms},
    {kFeedForward, kHidden, GemmEpilogue::add, RowNorm::none},
};

GemmSpec spec_of(const Shape& shape, const char* weights, Activation activation, GemmRegime regime) {
  GemmSpec spec;
  spec.inputs = shape.inputs;
  spec.columns = shape.columns;
  spec.weights = parse_weight_format(weights);
  spec.activation = activation;
  spec.regime = regime;
  spec.norm = regime == GemmRegime::stream ? shape.norm : RowNorm::none;
  spec.epilogue = shape.epilogue;
  switch (shape.epilogue) {
    case GemmEpilogue::gate:
      spec.function = ActivationFunction::silu;
      spec.output_stride = shape.columns / 2;
      break;
    case GemmEpilogue::rope_kv:
      spec.output_stride = kHeads.query_blocks() * kBlockColumns;
      spec.heads = kHeads;
      break;
    default: spec.output_stride = shape.columns;
  }
  return spec;
}

// Everything a GEMM reads and writes besides its weights.
class Operands {
 public:
  Operands(const GemmSpec& spec, std::int64_t rows)
      : spec_(spec),
        rows_(rows),
        layout_(activation_rows(spec.activation, spec.inputs, spec.weights)),
        input_(random_floats(static_cast<std::size_t>(rows * layout_.padded))),
        norm_weight_(static_cast<std::size_t>(layout_.padded), 1.0f),
        residual_(random_floats(static_cast<std::size_t>(rows * spec.output_stride))),
        output_(residual_.size()),
        rotation_(static_cast<std::size_t>(rows * kHeads.rotation_row()), 0.7f),
        activations_(static_cast<std::size_t>(layout_.row_bytes) *
                         static_cast<std::size_t>(std::max<std::int64_t>(rows, Machine::get().threads())),
                     "activations"),
        kv_(static_cast<std::size_t>(kHeads.layer_block_bytes() * ((rows + kKvBlock - 1) / kKvBlock)),
            "KV cache"),
        scratch_(most_gemm_scratch_bytes(spec) * static_cast<std::size_t>(Machine::get().threads()),
                 "scratch") {
    for (std::int64_t slot = 0; slot < rows; ++slot)
      kv_places_.push_back({kv_.data() + slot / kKvBlock * kHeads.layer_block_bytes(), slot % kKvBlock});
    if (spec.regime == GemmRegime::tiles) prepare();
  }

  GemmArguments arguments(int thread, const std::byte* weights) {
    const Share blocks = share_of(spec_.columns / kBlockColumns, thread);
    GemmArguments arguments;
    arguments.weights = weights;
    // tiles: the prepared rows. stream: a row for each thread.
    arguments.activations =
        activations_.data() + (spec_.regime == GemmRegime::stream ? layout_.row_bytes * thread : 0);
    arguments.output = output_.data();
    arguments.residual = residual_.data();
    arguments.rows = rows_;
    arguments.first_block = blocks.first;
    arguments.last_block = blocks.last;
    arguments.input = input_.data();
    arguments.norm_weight = norm_weight_.data();
    arguments.epsilon = 1e-5f;
    arguments.kv = {rotation_.data(), kv_places_.data(), 0};
    arguments.scratch = scratch_.data() + static_cast<std::size_t>(thread) * most_gemm_scratch_bytes(spec_);
    return arguments;
  }

 private:
  void prepare() {
    const PrepareSpec spec = {spec_.inputs, spec_.weights, spec_.activation, RowNorm::none, layout_.padded};
    const PrepareArguments arguments = {input_.data(), activations_.data(), nullptr, nullptr, rows_, 0};
    Machine::get().resolve(spec, emit_prepare)(&arguments);
  }

  GemmSpec spec_;
  std::int64_t rows_;
  ActivationRows layout_;
  std::vector<float> input_, norm_weight_, residual_, output_, rotation_;
  runtime::HugeBuffer activations_;
  runtime::HugeBuffer kv_;
  runtime::HugeBuffer scratch_;
  std::vector<KvPlace> kv_places_;
};

void gemm_row(benchmark::State& state, const GemmSpec& spec, std::int64_t rows) {
  Machine& machine = Machine::get();
  const jit::KernelEntry entry = machine.resolve(spec, emit_gemm);
  const PackedShape shape = packed_shape(spec.weights, spec.inputs, spec.columns);
  const ColdCopies weights(shape.total_bytes, packed_block(spec.weights, spec.inputs));
  Operands operands(spec, rows);
  const bool stream = spec.regime == GemmRegime::stream;
  const double macs = static_cast<double>(spec.inputs * spec.columns * rows);
  run_row(state, stream ? Limit::read : Limit::dot, stream ? static_cast<double>(shape.total_bytes) : macs,
          [&](int thread, std::size_t pass) {
            const GemmArguments arguments = operands.arguments(thread, weights[pass]);
            entry(&arguments);
          });
}

}  // namespace

void add_gemm_rows() {
  for (const GemmRegime regime : {GemmRegime::stream, GemmRegime::tiles})
    for (const char* weights : {"int4s.g32.f16", "int4s.g128.f16", "int4s.g16.f16", "int8s.g32.f16",
                                "int8s.row.f32", "iq4nl.g32.f16", "e2m1.g32.e8m0", "e2m1.g16.e4m3",
                                "iq2.g16.two", "nf4.g64.f32", "e4m3.g128.f32", "e5m2.g128.f32", "bf16"})
      for (const Activation activation :
           {Activation::s8, Activation::s8row, Activation::bf16, Activation::f16, Activation::f32})
        for (const Shape& shape : kShapes) {
          const GemmSpec spec = spec_of(shape, weights, activation, regime);
          if (is_int8(activation) && !spec.weights.is_integer()) continue;
          if (is_half(activation) &&
              (regime == GemmRegime::stream || !computes(Machine::get().target(), activation)))
            continue;
          const auto row = [spec](benchmark::State& state) { gemm_row(state, spec, state.range(0)); };
          add_row(spec, row)->ArgName("rows")->Arg(regime == GemmRegime::stream ? 1 : kChunk);
        }
}

}  // namespace burin::bench
