// The choice of experts for one row, which every thread makes for itself, and for a chunk. Logits come from the
// kernel before: a share of the read limit says how far from free it is.
#include "bench/bench_support.hpp"
#include "templates/route/route_spec.hpp"

namespace burin::bench {
namespace {

using namespace kernels;

void route_row(benchmark::State& state, const RouteSpec& spec) {
  const std::int64_t rows = state.range(0);
  const jit::KernelEntry entry = Machine::get().resolve(spec, emit_route);
  const std::vector<float> logits = random_floats(static_cast<std::size_t>(rows * spec.input_stride));
  std::vector<std::vector<float>> routes(static_cast<std::size_t>(Machine::get().threads()));
  for (std::vector<float>& own : routes) own.resize(static_cast<std::size_t>(rows * spec.output_stride));
  run_row(state, Limit::read, static_cast<double>(rows * (spec.experts + 2 * spec.used) * 4),
          [&](int thread, std::size_t) {
            const Share share = rows == 1 ? Share{0, 1} : share_of(rows, thread);
            RouteArguments arguments;
            arguments.logits = logits.data() + share.first * spec.input_stride;
            arguments.routes = routes[static_cast<std::size_t>(thread)].data();
            arguments.rows = share.count();
            entry(&arguments);
          });
}

}  // namespace

void add_route_rows() {
  const RouteSpec specs[] = {
      {8, 2, true, 1, 1, 32, 32},      // Mixtral
      {128, 8, true, 1, 1, 128, 32},   // Qwen 3 30B-A3B
      {160, 6, false, 8, 3, 160, 32},  // DeepSeek-V2
  };
  for (const RouteSpec& spec : specs)
    add_row(spec, [spec](benchmark::State& state) { route_row(state, spec); })
        ->ArgName("rows")
        ->Arg(1)
        ->Arg(512);
}

}  // namespace burin::bench
