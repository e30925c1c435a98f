// Sums of an int8 tile: integer dot products per group, scaled and added up in f32.
#include <algorithm>

#include "templates/gemm/activation_groups.hpp"
#include "templates/gemm/table_bytes.hpp"

namespace burin::kernels {
namespace {

constexpr int kInputsPerStep = 32;
constexpr int kQuads = 8;

class Int8Sums {
 public:
  Int8Sums(const GemmContext& context, const TileRegisters& tile, int pass, const WeightPrefetch& prefetch)
      : c_(context),
        a(context.a),
        tile_(tile),
        pass_(pass),
        decoder_(context.a, context.spec.weights),
        signed_(multiplies_signed(context.a, context.spec.weights)),
        table_(context.a, context.spec.weights, table_parts()),
        groups_(context, tile, pass),
        prefetch_(context, prefetch, std::max(context.part, kInputsPerStep) / kInputsPerStep * kQuads) {}

  // For each activation group:
  //   dots = correction; dots += codes * activations; sums += float(dots) [* scale of the row's group] * column scale
  void emit() {
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) a.zero(tile_.sum(row, v));
    for (int plane = 0; plane < tile_.masks(); ++plane) decoder_.keep_mask_in(plane, tile_.mask(plane));
    for (int part = 0; tile_.has_tables() && part < parts(); ++part) table_.keep_in(tile_.table(part), part);
    a.mov(c_.r.groups_left, static_cast<std::uint32_t>(c_.packed.padded_inputs / c_.packed.unit_inputs));
    groups_.emit([&](int group) { activation_group(group); });
    emit_sum_factors(c_, tile_, pass_);
  }

 private:
  int parts() const { return code_parts(a, c_.spec.weights); }
  std::array<TablePart, 2> table_parts() const {
    if (signed_) return {TablePart::magnitude, TablePart::signed_value};
    if (parts() == 2) return {TablePart::first_half, TablePart::second_half};
    return {TablePart::whole, TablePart::whole};
  }

  void activation_group(int group) {
    start_dots();
    groups_.for_quads(
        group,
        [&](int step, int quad, int number) {
          dot_quad(step, quad, number);
          prefetch_.step();
        },
        [&](int inputs) { c_.advance_rows(tile_.rows(), inputs); });
    add_to_sums(group);
    c_.advance_rows(tile_.rows(), c_.activations.group_bytes());
  }

  void start_dots() {
    for (int row = 0; row < tile_.rows(); ++row) {
      if (c_.spec.weights.symmetric && !signed_) {
        a.vpbroadcastd(tile_.dot(row, 0), a.dword[c_.row(row)]);
        for (int v = 1; v < tile_.vectors(); ++v) a.isa().copy(tile_.dot(row, v), tile_.dot(row, 0));
      } else {
        for (int v = 0; v < tile_.vectors(); ++v) a.zero(tile_.dot(row, v));
      }
    }
  }

  void decode(int vector, int step, int quad) {
    const Xbyak::RegExp inputs =
        c_.r.weights + jit::offset(groups_.code_bytes(kInputsPerStep) * step +
                                   tile_.block_vector(pass_, vector) * a.vector_bytes());
    decoder_.decode(tile_.code(vector), inputs, quad, tile_.scratch());
    if (c_.spec.weights.is_table()) {
      for (int part = parts(); part-- > 0;)
        table_.look_up(tile_.code(vector, part), tile_.code(vector), part, tile_.scratch());
    } else if (signed_) {
      a.isa().bit_xor(tile_.code(vector, 1), tile_.code(vector), a.vector_constant(0x80808080));
      a.isa().magnitudes(tile_.code(vector), tile_.code(vector, 1));
    } else if (parts() == 2) {
      a.isa().bit_and(tile_.code(vector, 1), tile_.code(vector), a.vector_constant(0x80808080));
      a.isa().bit_and(tile_.code(vector), tile_.code(vector), a.vector_constant(0x7f7f7f7f));
    }
  }

  // Four activations: quad `quad_of_group` of the group that the rows point to.
  void broadcast_quad(jit::Vector to, int row, int quad_of_group) {
    const int place = c_.activations.header_bytes() + quad_of_group * 4;
    a.vpbroadcastd(to, a.dword[c_.row(row) + jit::offset(place)]);
  }

  void dot(int row, int vector, jit::Vector activations) {
    if (signed_)
      return a.isa().dot_signed_bytes(tile_.dot(row, vector), tile_.code(vector, 0), tile_.code(vector, 1),
                                      activations, tile_.scratch());
    for (int part = 0; part < parts(); ++part)
      a.isa().dot_bytes(tile_.dot(row, vector), tile_.code(vector, part), activations, tile_.scratch());
  }

  void dot_quad(int step, int quad, int quad_of_group) {
    if (tile_.rows() == 1) {  // codes share two registers: use each at once
      const jit::Vector activations = tile_.broadcast(turn_++, {"activations", 0});
      broadcast_quad(activations, 0, quad_of_group);
      for (int v = 0; v < tile_.vectors(); ++v) {
        decode(v, step, quad);
        dot(0, v, activations);
      }
      return;
    }
    for (int v = 0; v < tile_.vectors(); ++v) decode(v, step, quad);
    for (int row = 0; row < tile_.rows(); ++row) {
      const jit::Vector activations = tile_.broadcast(turn_++, {"activations", row});
      broadcast_quad(activations, row, quad_of_group);
      for (int v = 0; v < tile_.vectors(); ++v) dot(row, v, activations);
    }
  }

  // dots = float(dots) [* scale of the row's group]
  void scale_dots() {
    for (int row = 0; row < tile_.rows(); ++row) {
      const jit::Vector row_scale = tile_.broadcast(turn_++, {"row_scale", row});
      if (c_.activations.scales_groups())
        a.vbroadcastss(row_scale, a.dword[c_.row(row) + jit::offset(kGroupScale)]);
      for (int v = 0; v < tile_.vectors(); ++v) {
        a.vcvtdq2ps(tile_.dot(row, v), tile_.dot(row, v));
        if (c_.activations.scales_groups()) a.vmulps(tile_.dot(row, v), tile_.dot(row, v), row_scale);
      }
    }
  }

  // sums += dots * scale of the column [+ sum of the row's group * minimum of the column]
  void add_to_sums(int group) {
    scale_dots();
    for (int v = 0; v < tile_.vectors(); ++v) {
      groups_.load(group, ScaleArray::scales, v, tile_.scale(v));
      add_scaled(v);
    }
    for (int v = 0; v < tile_.vectors() && !c_.spec.weights.symmetric; ++v) {
      groups_.load(group, ScaleArray::minimums, v, tile_.minimum(v));
      add_minimum(v);
    }
  }

  void add_scaled(int v) {
    for (int row = 0; row < tile_.rows(); ++row)
      a.vfmadd231ps(tile_.sum(row, v), tile_.dot(row, v), tile_.scale(v));
  }

  void add_minimum(int v) {
    for (int row = 0; row < tile_.rows(); ++row) {
      const jit::Vector row_sum = tile_.broadcast(turn_++, {"row_sum", row});
      a.vbroadcastss(row_sum, a.dword[c_.row(row)]);
      a.vfmadd231ps(tile_.sum(row, v), row_sum, tile_.minimum(v));
    }
  }

  const GemmContext& c_;
  jit::Assembler& a;
  const TileRegisters& tile_;
  int pass_;
  CodeDecoder decoder_;
  bool signed_;
  TableBytes table_;
  ActivationGroups groups_;
  PrefetchSchedule prefetch_;
  int turn_ = 0;
};

}  // namespace

void emit_int8_sums(const GemmContext& context, const TileRegisters& tile, int pass,
                    const WeightPrefetch& prefetch) {
  Int8Sums(context, tile, pass, prefetch).emit();
}

}  // namespace burin::kernels
