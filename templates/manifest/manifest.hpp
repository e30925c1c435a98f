// The manifest: every kernel there can be, one row each: kind x weight format x compute type x whatever else
// multiplies kernels of that kind. `burin kernel ls`, the property tests and the benchmarks take their kernels from
// it, so that a row brings its tests and benchmarks by itself (docs/HACKING.md, "Add a row to the manifest").
//
// What a target has of it is written down nowhere: the parser of names and the emitter decide, and say why not.
// Hence rows may name what no spec can express yet; they turn from refused to supported by themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jit/target.hpp"
#include "templates/kernel_spec.hpp"

namespace burin::kernels {

struct ManifestRow {
  std::string name;    // "gemm/int4s.g32.f16/s8/stream/store": the row's place on each axis; unique
  std::string kernel;  // canonical name at the default KernelShape, which parse_kernel_name may refuse
};

// All rows, kind by kind. The same ones in the same order everywhere.
std::vector<ManifestRow> manifest();

// Why the target cannot have the row: what the parser or the emitter says. Empty: it can. Emits the kernel, which
// takes up to some milliseconds; thread-safe.
std::string refusal_of(const ManifestRow& row, const jit::Target& target);

// The sizes that a row leaves open; those of a 7B model unless something else is wanted.
struct KernelShape {
  std::int64_t inputs = 4096;  // K; the width of rows
  std::int64_t columns =
      4096;  // N before it is rounded up to blocks of 32; the vocabulary; a router's experts
  int query_heads = 32;
  int kv_heads = 8;  // of grouped queries: what has one KV head, or one per query head, stays so
  int head_size = 128;
};

// The same kernel at other sizes, with the smallest strides that rows of them have. A group that is the whole row
// stays the whole row.
KernelSpec with_shape(const KernelSpec& spec, const KernelShape& shape);

}  // namespace burin::kernels
