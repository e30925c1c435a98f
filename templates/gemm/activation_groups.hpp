// Emits the loop over a block's activation groups (templates/activation_rows.hpp), as kernels of int8 rows go through it:
//
//   for each unit           a weight group, two of 16 inputs, or a superblock
//     for each step of it   32 inputs, or an activation group
//       for each activation group in the step (one, or two of 16 inputs)
#pragma once

#include <functional>

#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/scale_loader.hpp"

namespace burin::kernels {

class ActivationGroups {
 public:
  ActivationGroups(const GemmContext& context, const TileRegisters& tile, int pass)
      : c_(context), a(context.a), tile_(tile), pass_(pass), two_level_(context, tile, pass) {}

  // body(group) for the groups of r.groups_left units, at least one, from r.weights on, which is at the group's step, and
  // behind all units in the end. `group` is which one of its step. r.free and r.scales are overwritten.
  void emit(const std::function<void(int group)>& body);

  // Within body: visit(step, quad, number) for the group's quads of inputs, where `quad` is one of 8 of the 32 inputs
  // number `step` behind r.weights, and `number` counts the group's. Of a group of several parts, for the quads of one,
  // in a loop over r.free, for which walk(inputs) moves what else is walked with r.weights; in the end, back.
  void for_quads(int group, const std::function<void(int step, int quad, int number)>& visit,
                 const std::function<void(int inputs)>& walk) const;
  // Within body: one vector of the group's scales or minimums, as f32.
  void load(int group, ScaleArray array, int vector, jit::Vector to) const;

  int code_bytes(int inputs) const { return inputs * 4 * c_.spec.weights.bits; }

 private:
  void units(const std::function<void(int group)>& body);
  void groups_of_step(const std::function<void(int group)>& body) const;

  const GemmContext& c_;
  jit::Assembler& a;
  const TileRegisters& tile_;
  int pass_;
  TwoLevelScales two_level_;
};

}  // namespace burin::kernels
