// Every operation on rows x width x target against plain double arithmetic.
#include <gtest/gtest.h>

#include <vector>

#include "jit/error.hpp"
#include "tests/kernels/rowwise_check.hpp"
#include "tests/support/host_targets.hpp"

namespace burin::kernels {
namespace {

std::vector<RowwiseSpec> all_operations(std::int64_t width) {
  std::vector<RowwiseSpec> specs;
  const auto add = [&](RowOperation operation) -> RowwiseSpec& {
    specs.push_back({operation, RowNorm::none, ActivationFunction::none, width, padded_row(width) + 32,
                     padded_row(width), padded_row(width) + 5});
    return specs.back();
  };
  for (const RowOperation operation : {RowOperation::add, RowOperation::multiply, RowOperation::scale,
                                       RowOperation::clip, RowOperation::soft_cap})
    add(operation);
  for (const RowNorm norm : {RowNorm::rms, RowNorm::layer}) add(RowOperation::norm).norm = norm;
  for (const ActivationFunction function : tests::kActivationFunctions)
    add(RowOperation::activate).function = function;
  return specs;
}

TEST(Rowwise, MatchesReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const std::int64_t width : {1, 31, 32, 33, 200})
      for (const RowwiseSpec& spec : all_operations(width)) check_rowwise(spec, target);
}

TEST(Rowwise, NoRowsTouchNothing) {
  for (const jit::Target& target : tests::host_targets())
    for (const RowwiseSpec& spec : all_operations(40)) {
      const RowwiseArguments nothing;  // null pointers
      tests::run_kernel(emit_rowwise(spec, target), nothing);
    }
}

TEST(Rowwise, RefusesWhatMakesNoSense) {
  RowwiseSpec spec;
  spec.operation = RowOperation::norm;
  EXPECT_THROW(emit_rowwise(spec, jit::host_target()), Error);
  spec.operation = RowOperation::add;
  spec.function = ActivationFunction::silu;
  EXPECT_THROW(emit_rowwise(spec, jit::host_target()), Error);
}

}  // namespace
}  // namespace burin::kernels
