// What the user left open: context, compute type, KV type; and each matrix's format.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "graph/planner/plan_draft.hpp"
#include "templates/activation_rows.hpp"

namespace burin::graph {

// Resolves context and chunk; `trained` is the context the model was trained for. Throws burin::Error for
// what makes no sense.
void choose_context(PlanDraft& draft, std::int64_t trained);

// Resolves compute and KV types. Throws burin::Error for int8 compute on float weights.
void choose_types(PlanDraft& draft);

// Of one matrix of a linear node, or of experts: as stored, or as asked for by --weights.
kernels::WeightFormat format_of(const PlanDraft& draft, const Node& node, const LinearPart& part);
kernels::WeightFormat stored_format(const PlanDraft& draft, const std::string& tensor);

// Of matrices that one kernel reads: f32 where theirs differ.
kernels::WeightFormat common_format(const PlanDraft& draft, const Node& node,
                                    const std::vector<const LinearPart*>& parts);
// These matrices of all experts: those of the first, then those of the second ...
std::vector<const LinearPart*> expert_parts(const Node& node,
                                            std::initializer_list<LinearPart Expert::*> which);
// Floats per row and chosen expert between gates and sums: all that the down matrices' kernel reads.
std::int64_t expert_width(const PlanDraft& draft, const Node& node);

// How activations meet weights of a format, under the chosen compute type. Single rows are bound by memory: what is
// bf16 or f16 in tiles is f32 there.
kernels::Activation activation_for(const PlanDraft& draft, const kernels::WeightFormat& format,
                                   kernels::GemmRegime regime);
kernels::ActivationRows rows_for(const PlanDraft& draft, const PackedMatrix& matrix,
                                 kernels::GemmRegime regime);

}  // namespace burin::graph
