// What the public options mean to the runtime.
#pragma once

#include <string>

#include "burin/options.hpp"
#include "graph/plan_options.hpp"
#include "runtime/session.hpp"

namespace burin::api {

// All throw with ErrorCode::invalid_argument, naming field and value, for what is out of range or unsupported.
runtime::LoadOptions load_options(const std::string& path, const LoadOptions& options);
kernels::WeightFormat weight_format(const WeightOnlyQuantConfig& config);
graph::ComputeType compute_type(const LoadOptions& options);
// The switches of Hugging Face's call in terms of LoadOptions.
LoadOptions pretrained_options(const PretrainedOptions& options);

}  // namespace burin::api
