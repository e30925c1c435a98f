#include "templates/gemm/activation_groups.hpp"

#include <algorithm>

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kStepInputs = 32;
constexpr int kStepQuads = kStepInputs / 4;

}  // namespace

void ActivationGroups::emit(const std::function<void(int group)>& body) {
  if (c_.spec.weights.is_two_level())
    two_level_.for_each_step([&] { groups_of_step(body); });
  else
    units(body);
}

void ActivationGroups::units(const std::function<void(int group)>& body) {
  const auto unit_inputs = static_cast<int>(c_.packed.unit_inputs);
  const int step_inputs = std::max(c_.activations.group, kStepInputs);
  const int steps = unit_inputs / step_inputs;
  Xbyak::Label unit;
  a.align(64);
  a.L(unit);
  a.lea(c_.r.scales, a.ptr[c_.r.weights + jit::offset(code_bytes(unit_inputs))]);
  if (steps == 1) {
    groups_of_step(body);
    a.add(c_.r.weights, static_cast<std::uint32_t>(c_.packed.unit_bytes));
  } else {
    const Xbyak::Address steps_left = a.dword[a.rsp + jit::offset(kStepsLeft)];
    Xbyak::Label step;
    a.mov(steps_left, static_cast<std::uint32_t>(steps));
    a.L(step);
    groups_of_step(body);
    a.add(c_.r.weights, static_cast<std::uint32_t>(code_bytes(step_inputs)));
    a.dec(steps_left);
    a.jnz(step, kNear);
    const int scale_bytes = static_cast<int>(c_.packed.unit_bytes) - code_bytes(unit_inputs);
    a.add(c_.r.weights, static_cast<std::uint32_t>(scale_bytes));
  }
  a.dec(c_.r.groups_left);
  a.jnz(unit, kNear);
}

void ActivationGroups::groups_of_step(const std::function<void(int group)>& body) const {
  for (int group = 0; group < groups_per_step(c_.spec.weights); ++group) body(group);
}

void ActivationGroups::for_quads(int group, const std::function<void(int step, int quad, int number)>& visit,
                                 const std::function<void(int inputs)>& walk) const {
  const int whole = c_.activations.group;
  const int part = c_.part;
  const Xbyak::Reg64 parts_left = c_.r.free;
  const auto walk_all = [&](int inputs) {
    a.add(c_.r.weights, static_cast<std::uint32_t>(code_bytes(inputs)));
    walk(inputs);
  };
  Xbyak::Label loop;
  if (part < whole) a.mov(a.name(parts_left, "parts_left"), static_cast<std::uint32_t>(whole / part));
  a.L(loop);
  for (int number = 0; number < part / 4; ++number) {
    const int quad = group * part / 4 + number;
    visit(quad / kStepQuads, quad % kStepQuads, number);
  }
  if (part == whole) return;
  walk_all(part);
  a.dec(parts_left);
  a.jnz(loop, kNear);
  walk_all(-whole);
}

void ActivationGroups::load(int group, ScaleArray array, int vector, jit::Vector to) const {
  if (c_.spec.weights.is_two_level())
    two_level_.load(group, array, vector, to);
  else
    load_scales(c_, tile_, pass_, group, vector, array, to);
}

}  // namespace burin::kernels
