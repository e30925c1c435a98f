// Rows of what is done to whole rows: every operation, norm and function.
#include "templates/manifest/rows.hpp"

namespace burin::kernels {
namespace {

void add_row(ManifestRows& rows, const RowwiseSpec& spec, const std::string& detail) {
  const std::string operation = field_text(spec.operation);
  rows.push_back({fmt::format("rowwise/{}{}", operation, detail.empty() ? "" : "/" + detail),
                  jit::spec_text(resized(spec, {}))});
}

}  // namespace

void add_rowwise_rows(ManifestRows& rows) {
  for (const RowOperation operation : {RowOperation::add, RowOperation::multiply, RowOperation::scale,
                                       RowOperation::clip, RowOperation::soft_cap})
    add_row(rows, {operation}, "");
  for (const RowNorm norm : {RowNorm::rms, RowNorm::layer})
    add_row(rows, {RowOperation::norm, norm}, field_text(norm));
  for (const ActivationFunction function : kActivationFunctions)
    add_row(rows, {RowOperation::activate, RowNorm::none, function}, field_text(function));
}

RowwiseSpec resized(RowwiseSpec spec, const KernelShape& shape) {
  spec.width = shape.inputs;
  spec.input_stride = spec.other_stride = spec.output_stride = whole_blocks(shape.inputs);
  return spec;
}

}  // namespace burin::kernels
