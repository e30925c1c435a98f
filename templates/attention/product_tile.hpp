// The vector registers of a tile of products, rows times vectors of keys or of columns, and the order in which they are
// used:
//
//   [sum of each row and vector][one factor of each product, kept][the other one in turn]
//
// Where vectors are many (wide), the rows' factors are kept, with a scratch register, and each vector is loaded once, used
// and forgotten; else the vectors are kept, and rows' factors come and go.
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

class ProductTile {
 public:
  // What registers are called, in disassembly.
  struct Names {
    const char* vector;
    const char* factor;
  };
  using LoadVector = std::function<void(jit::Vector to, int v, jit::Vector scratch)>;
  using LoadFactor = std::function<void(jit::Vector to, int row)>;

  ProductTile(const AttentionContext& context, int rows, int vectors, const Names& names)
      : c_(context), a(context.a), rows_(rows), vectors_(vectors), names_(names) {}

  int rows() const { return rows_; }
  int vectors() const { return vectors_; }
  jit::Vector sum(int row, int v) const { return a.vector(row * vectors_ + v, {"sum", row, v}); }

  // Emits sums += factor of the row * vector.
  void emit(const LoadVector& load_vector, const LoadFactor& load_factor) {
    is_wide() ? vector_by_vector(load_vector, load_factor) : row_by_row(load_vector, load_factor);
  }

  // One of the registers that are free between products.
  jit::Vector in_turn(const jit::Role& role) {
    const int first = rows_ * vectors_ + kept();
    return a.vector(first + turn_++ % (a.vector_registers() - first), role);
  }

 private:
  bool is_wide() const { return vectors_ > tile_vectors(a); }
  int kept() const { return is_wide() ? rows_ + 1 : vectors_; }
  jit::Vector kept(int number, const jit::Role& role) const {
    return a.vector(rows_ * vectors_ + number, role);
  }

  void row_by_row(const LoadVector& load_vector, const LoadFactor& load_factor) {
    const auto vector = [&](int v) { return kept(v, {names_.vector, v}); };
    for (int v = 0; v < vectors_; ++v) load_vector(vector(v), v, in_turn("high"));
    for (int row = 0; row < rows_; ++row) {
      const jit::Vector factor = in_turn({names_.factor, row});
      load_factor(factor, row);
      for (int v = 0; v < vectors_; ++v) multiply(sum(row, v), vector(v), factor);
    }
  }

  void vector_by_vector(const LoadVector& load_vector, const LoadFactor& load_factor) {
    const auto factor = [&](int row) { return kept(row, {names_.factor, row}); };
    for (int row = 0; row < rows_; ++row) load_factor(factor(row), row);
    for (int v = 0; v < vectors_; ++v) {
      const jit::Vector vector = in_turn({names_.vector, v});
      load_vector(vector, v, kept(rows_, "high"));
      for (int row = 0; row < rows_; ++row) multiply(sum(row, v), vector, factor(row));
    }
  }

  void multiply(jit::Vector sum, jit::Vector vector, jit::Vector factor) {
    c_.bf16_math() ? a.vdpbf16ps(sum, vector, factor) : a.vfmadd231ps(sum, vector, factor);
  }

  const AttentionContext& c_;
  jit::Assembler& a;
  int rows_;
  int vectors_;
  Names names_;
  int turn_ = 0;
};

}  // namespace burin::kernels
