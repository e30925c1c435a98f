// Embedding rows of a 7B model. The bytes counted are those of the columns themselves; as a column is spread
// over its block, many more pass by.
#include "bench/bench_support.hpp"
#include "templates/embed/embed_spec.hpp"

namespace burin::bench {
namespace {

using namespace kernels;

constexpr std::int64_t kWidth = 4096;
constexpr std::int64_t kVocabulary = 32000;

void embed_row(benchmark::State& state, const EmbedSpec& spec) {
  const std::int64_t rows = state.range(0);
  const jit::KernelEntry entry = Machine::get().resolve(spec, emit_embed);
  const PackedShape shape = packed_shape(spec.weights, spec.width, spec.vocabulary);
  const ColdCopies tables(shape.total_bytes, packed_block(spec.weights, spec.width));
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < rows; ++i) tokens.push_back(static_cast<std::int32_t>(i * 7919 % kVocabulary));
  std::vector<float> output(static_cast<std::size_t>(rows * spec.output_stride));
  const double bytes = static_cast<double>(rows) * (static_cast<double>(shape.block_bytes) / kBlockColumns +
                                                    static_cast<double>(spec.width) * 4);
  run_row(state, Limit::read, bytes, [&](int thread, std::size_t pass) {
    const Share share = share_of(rows, thread);
    const EmbedArguments arguments = {tables[pass], tokens.data() + share.first,
                                      output.data() + share.first * spec.output_stride, share.count()};
    entry(&arguments);
  });
}

}  // namespace

void add_embed_rows() {
  for (const char* format : {"int8s.g32.f16", "int4s.g32.f16", "iq4nl.g32.f16", "nf4.g64.f32", "f16"}) {
    EmbedSpec spec;
    spec.width = spec.output_stride = kWidth;
    spec.vocabulary = kVocabulary;
    spec.weights = parse_weight_format(format);
    add_row(spec, [spec](benchmark::State& state) { embed_row(state, spec); })
        ->ArgName("rows")
        ->Arg(1)
        ->Arg(512);
  }
}

}  // namespace burin::bench
