// Rows of a chunk made ready for the matrices that follow. Rows come from the kernel before, so they are left
// in the caches here: more than the read limit is no mistake.
#include "bench/bench_support.hpp"
#include "templates/prepare/prepare_spec.hpp"

namespace burin::bench {
namespace {

using namespace kernels;

void prepare_row(benchmark::State& state, const PrepareSpec& spec) {
  const std::int64_t rows = state.range(0);
  const jit::KernelEntry entry = Machine::get().resolve(spec, emit_prepare);
  const ActivationRows layout = activation_rows(spec.activation, spec.inputs, spec.weights);
  const std::vector<float> input = random_floats(static_cast<std::size_t>(rows * spec.input_stride));
  const std::vector<float> norm_weight(static_cast<std::size_t>(layout.padded), 1.0f);
  const runtime::HugeBuffer output(static_cast<std::size_t>(rows * layout.row_bytes), "prepared rows");
  const double bytes = static_cast<double>(rows * (spec.inputs * 4 + layout.row_bytes));
  run_row(state, Limit::read, bytes, [&](int thread, std::size_t) {
    const Share share = share_of(rows, thread);
    const PrepareArguments arguments = {input.data() + share.first * spec.input_stride,
                                        output.data() + share.first * layout.row_bytes,
                                        norm_weight.data(),
                                        nullptr,
                                        share.count(),
                                        1e-5f};
    entry(&arguments);
  });
}

}  // namespace

void add_prepare_rows() {
  const WeightFormat int4 = WeightFormat::integer_format(4, true, 32, ScaleType::f16);
  const WeightFormat int4_asymmetric = WeightFormat::integer_format(4, false, 128, ScaleType::f16);
  const PrepareSpec specs[] = {
      {4096, int4, Activation::s8, RowNorm::rms, 4096},
      {4096, int4_asymmetric, Activation::s8, RowNorm::rms, 4096},
      {11008, int4, Activation::s8, RowNorm::none, 11008},
      {4096, int4, Activation::s8row, RowNorm::rms, 4096},
      {4096, WeightFormat::float_format(WeightKind::f16), Activation::f32, RowNorm::rms, 4096},
  };
  for (const PrepareSpec& spec : specs)
    add_row(spec, [spec](benchmark::State& state) { prepare_row(state, spec); })->ArgName("rows")->Arg(512);
}

}  // namespace burin::bench
