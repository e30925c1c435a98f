// Rows of the manifest at the sizes of a 7B model, under their own names: manifest/gemm/int4s.g32.f16/s8/stream/store. Every
// thread has operands of its own.
#include <algorithm>

#include "bench/bench_support.hpp"
#include "runtime/synthetic/kernel_call.hpp"
#include "templates/manifest/manifest.hpp"

namespace burin::bench {
namespace {

constexpr std::size_t kColdBytes = std::size_t{512} << 20;  // of all threads together

// Of the matrices, formats that unpack and scale in different ways; of the other kinds, all but combinations.
constexpr std::string_view kPicked[] = {"gemm/int4s.g32.f16/",
                                        "gemm/int4s.g128.f16/",
                                        "gemm/int8s.g32.f16/",
                                        "gemm/int3s.g32.f16/",
                                        "gemm/int5a.g32.two/",
                                        "gemm/iq4nl.g32.f16/",
                                        "gemm/nf4.g64.f32/",
                                        "gemm/bf16/",
                                        "prepare/int4s.g32.f16/",
                                        "prepare/int5a.g32.two/",
                                        "prepare/bf16/",
                                        "embed/int4s.g32.f16",
                                        "embed/int5a.g32.two",
                                        "embed/nf4.g64.f32",
                                        "embed/bf16",
                                        "attention/gqa/",
                                        "heads/bf16/",
                                        "heads/int8/",
                                        "latent/bf16/",
                                        "rowwise/",
                                        "route/"};

bool is_picked(const kernels::ManifestRow& row) {
  if (row.name.starts_with("gemm/") && !row.name.ends_with("/store")) return false;
  return std::any_of(std::begin(kPicked), std::end(kPicked),
                     [&](std::string_view beginning) { return row.name.starts_with(beginning); });
}

void manifest_row(benchmark::State& state, const kernels::KernelSpec& spec) {
  Machine& machine = Machine::get();
  const jit::KernelEntry entry = std::visit(
      [&](const auto& s) {
        return machine.resolve(
            s, [](const auto& t, const jit::Target& target) { return emit_kernel(t, target); });
      },
      spec);
  const auto threads = static_cast<std::size_t>(machine.threads());
  std::vector<runtime::KernelCall> calls;
  for (std::size_t thread = 0; thread < threads; ++thread) {
    runtime::ColdMemory memory(kColdBytes / threads);
    calls.push_back(runtime::make_kernel_call(spec, 0, memory));
  }
  const runtime::KernelWork& work = calls.front().work;
  const bool by_memory = calls.front().rows == 1 || work.macs == 0;
  run_row(
      state, by_memory ? Limit::read : Limit::dot,
      (by_memory ? work.bytes : work.macs) * static_cast<double>(threads),
      [&](int thread, std::size_t pass) { entry(calls[static_cast<std::size_t>(thread)].arguments(pass)); });
}

}  // namespace

void add_manifest_rows() {
  for (const kernels::ManifestRow& row : kernels::manifest()) {
    if (!is_picked(row) || !refusal_of(row, Machine::get().target()).empty()) continue;
    const kernels::KernelSpec spec = kernels::parse_kernel_name(row.kernel);
    benchmark::RegisterBenchmark(("manifest/" + row.name).c_str(),
                                 [spec](benchmark::State& state) { manifest_row(state, spec); })
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace burin::bench
