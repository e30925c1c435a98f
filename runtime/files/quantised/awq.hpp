// The AWQ layout "GEMM": what AutoAWQ, GPTQModel and AutoRound's AWQ export write.
// Source: https://github.com/casper-hansen/AutoAWQ (awq/modules/linear/gemm.py), checked against the tools' files.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/files/quantised/checkpoint.hpp"

namespace burin::runtime::quantised {

// LAYER.qweight, .scales and .qzeros, of 4 bits. `group` as settings have it.
QuantisedMatrix awq_matrix(const Checkpoint& checkpoint, const std::string& layer, std::int64_t group);

}  // namespace burin::runtime::quantised
