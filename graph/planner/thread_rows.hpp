// Decoding one row, threads need not meet for work that is small or stays with one of them.
#pragma once

#include "graph/plan.hpp"

namespace burin::graph {

// Rewrites the decode program:
//
//   a whole row           gemm | add | norm | gemm       gemm | add, norm, gemm
//   (norms, sums ...)          shared rows                    each thread computes the row for itself, in memory
//                                                             of its own: cheaper than to meet over it
//
//   heads, attention      heads | attention              heads, attention
//                         blocks   heads as they come    both split by KV heads: a thread's heads are its own
//
//   heads, attention      heads | attention              heads, attention
//   to parts of keys      blocks   parts as they come    each thread has all queries in a row of its own, and puts the
//                                                        same keys and values into the cache
//
//   latent row, attention    latent | attention       every thread puts the same row into the cache: it is the one
//                            row of all heads         head's, and each finds what it has written itself
//
// ("|" where threads meet.) What the head programs read stays in shared rows.
void keep_rows_with_threads(Plan& plan);

}  // namespace burin::graph
