// Rows for generated kernels at the shapes of a 7B model, each next to this machine's limit. For example
//
//   taskset -c 0 burin_bench --benchmark_filter='gemm.*int4.*stream'
#include <cstdio>

#include "bench/bench_support.hpp"
#include "jit/error.hpp"

int main(int argc, char** argv) {
  using namespace burin;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    bench::Machine& machine = bench::Machine::get();
    benchmark::AddCustomContext(
        "target", fmt::format("{} ({})", machine.target().name, to_text(machine.target().features)));
    benchmark::AddCustomContext("threads", std::to_string(machine.threads()));
    bench::add_gemm_rows();
    bench::add_attention_rows();
    bench::add_prepare_rows();
    bench::add_embed_rows();
    bench::add_route_rows();
    bench::add_manifest_rows();
    bench::add_tokenizer_rows();
    benchmark::RunSpecifiedBenchmarks();
  } catch (const Error& error) {
    std::fprintf(stderr, "burin_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
