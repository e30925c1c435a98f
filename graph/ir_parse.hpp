// Graphs from the text that to_text(const Graph&) writes.
#pragma once

#include <string_view>

#include "graph/ir.hpp"

namespace burin::graph {

// One node per line, "logits %ID" last; empty lines and those that begin with '#' say nothing:
//
//   %5[128] blk.0.attn_norm = norm(%3) weight=blk.0.attn_norm.weight epsilon=1e-05
//   %6[64] blk.0.attn_q = linear(%5) parts=[{weight=blk.0.attn_q.weight outputs=64}]
//
// that is  %ID[WIDTH] NODE {as VALUE} = OP(%INPUT, ...) FIELD=VALUE ...  with "as" where value and node have
// different names. Values of fields: numbers, names, "quoted text" (\" \\ \xHH), [lists], {structs of fields}.
//
// The result is valid. Throws burin::Error, one line that names the text's line and the node.
Graph parse_graph(std::string_view text);

}  // namespace burin::graph
