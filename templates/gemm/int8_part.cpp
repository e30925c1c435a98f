#include "templates/gemm/int8_part.hpp"

#include "templates/gemm/activation_groups.hpp"
#include "templates/gemm/table_bytes.hpp"

namespace burin::kernels {
namespace {

constexpr int kStep = 32;

class Int8Part {
 public:
  explicit Int8Part(const GemmContext& context)
      : c_(context),
        a(context.a),
        tile_(context.a, context.spec.activation, context.spec.weights, 1),
        decoder_(context.a, context.spec.weights),
        table_(context.a, context.spec.weights),
        groups_(context, tile_, 0) {}

  void emit() {
    const jit::RoleScope scope(a);
    a.name(c_.r.row, "unpacked");
    for (int plane = 0; plane < tile_.masks(); ++plane) decoder_.keep_mask_in(plane, tile_.mask(plane));
    if (tile_.has_tables()) table_.keep_in(tile_.table(0), 0);
    groups_.emit([&](int group) {
      groups_.for_quads(
          group, [&](int step, int quad, int number) { unpack(step, quad, number); },
          [&](int inputs) { a.add(c_.r.row, static_cast<std::uint32_t>(inputs / 4 * kInt8QuadBytes)); });
      store_scales(ScaleArray::scales, group);
      if (!c_.spec.weights.symmetric) store_scales(ScaleArray::minimums, group);
      a.add(c_.r.row, static_cast<std::uint32_t>(int8_group_bytes(c_.spec)));
    });
  }

 private:
  // A quad of inputs, as ActivationGroups counts them, to that row of the group.
  void unpack(int step, int quad, int row) {
    const Xbyak::RegExp inputs = c_.r.weights + jit::offset(step * groups_.code_bytes(kStep));
    for (int v = 0; v < tile_.vectors(); ++v) {
      const jit::Vector code = tile_.code(v);
      decoder_.decode(code, inputs + jit::offset(v * a.vector_bytes()), quad, tile_.scratch());
      if (c_.spec.weights.is_table()) table_.look_up(code, code, 0, tile_.scratch());
      if (const auto zero = static_cast<std::uint32_t>(c_.spec.weights.zero_point()); zero > 0)
        a.vpsubb(code, code, a.vector_constant(zero * 0x01010101u));
      a.vmovups(a.ptr[c_.r.row + jit::offset(row * kInt8QuadBytes + v * a.vector_bytes())], code);
    }
  }

  void store_scales(ScaleArray array, int group) {
    const int behind_codes = c_.activations.group / 4 * kInt8QuadBytes;
    for (int v = 0; v < tile_.vectors(); ++v) {
      groups_.load(group, array, v, tile_.scale(v));
      const int place = static_cast<int>(array) * kBlockColumns * 4 + v * a.vector_bytes();
      a.vmovups(a.ptr[c_.r.row + jit::offset(behind_codes + place)], tile_.scale(v));
    }
  }

  const GemmContext& c_;
  jit::Assembler& a;
  TileRegisters tile_;
  CodeDecoder decoder_;
  TableBytes table_;
  ActivationGroups groups_;
};

}  // namespace

void emit_int8_part(const GemmContext& context) { Int8Part(context).emit(); }

}  // namespace burin::kernels
