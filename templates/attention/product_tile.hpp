// The vector registers of a tile of products, rows times vectors of keys or of columns, and the order in which they are
// used:
//
//   [sum of each row and vector][one factor of each product, kept][of int16 math: a product][the other factor in turn]
//
// Where vectors are many (wide), the rows' factors are kept, and each vector is loaded once, used and forgotten; else the
// vectors are kept, and rows' factors come and go.
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

class ProductTile {
 public:
  // What registers are called, in disassembly; of int8 math, which of the bytes are unsigned; how many factors a query row
  // has, one behind the other: of two, high bytes and low ones.
  struct Operands {
    const char* vector;
    const char* factor;
    bool unsigned_vectors;
    int factors;
  };
  using LoadVector = std::function<void(jit::Vector to, int v)>;
  using LoadFactor = std::function<void(jit::Vector to, int row)>;

  // Of `query_rows`, each of which is as many rows as it has factors.
  ProductTile(const AttentionContext& context, int query_rows, int vectors, const Operands& operands)
      : c_(context),
        a(context.a),
        query_rows_(query_rows),
        rows_(query_rows * operands.factors),
        vectors_(vectors),
        operands_(operands) {}

  int query_rows() const { return query_rows_; }
  int rows() const { return rows_; }
  int vectors() const { return vectors_; }
  jit::Vector sum(int row, int v) const { return a.vector(row * vectors_ + v, {"sum", row, v}); }

  // Emits sums += factor of the row * vector.
  void emit(const LoadVector& load_vector, const LoadFactor& load_factor) {
    is_wide() ? vector_by_vector(load_vector, load_factor) : row_by_row(load_vector, load_factor);
  }

  // Integer math: the sum of the query row's products as floats, where that of its first factor was.
  jit::Vector emit_to_floats(int query_row, int v) const {
    const jit::Vector all = sum(query_row * operands_.factors, v);
    if (operands_.factors == 2) {
      a.vpslld(all, all, kLowProbabilityBits);
      a.vpaddd(all, all, sum(2 * query_row + 1, v));
    }
    a.vcvtdq2ps(all, all);
    return all;
  }

  // Before and after the products: the registers behind the sums, four at least.
  jit::Vector free(int number, const jit::Role& role) const { return kept(number, role); }

 private:
  bool is_wide() const { return vectors_ > tile_vectors(a); }
  int kept() const { return is_wide() ? rows_ : vectors_; }
  jit::Vector kept(int number, const jit::Role& role) const {
    return a.vector(rows_ * vectors_ + number, role);
  }
  // One of the registers that are free between products.
  jit::Vector in_turn(const jit::Role& role) {
    const int first = rows_ * vectors_ + kept() + (c_.int16_math() ? 1 : 0);
    return a.vector(first + turn_++ % (a.vector_registers() - first), role);
  }

  void row_by_row(const LoadVector& load_vector, const LoadFactor& load_factor) {
    const auto vector = [&](int v) { return kept(v, {operands_.vector, v}); };
    for (int v = 0; v < vectors_; ++v) load_vector(vector(v), v);
    for (int row = 0; row < rows_; ++row) {
      const jit::Vector factor = in_turn({operands_.factor, row});
      load_factor(factor, row);
      for (int v = 0; v < vectors_; ++v) multiply(sum(row, v), vector(v), factor);
    }
  }

  void vector_by_vector(const LoadVector& load_vector, const LoadFactor& load_factor) {
    const auto factor = [&](int row) { return kept(row, {operands_.factor, row}); };
    for (int row = 0; row < rows_; ++row) load_factor(factor(row), row);
    for (int v = 0; v < vectors_; ++v) {
      const jit::Vector vector = in_turn({operands_.vector, v});
      load_vector(vector, v);
      for (int row = 0; row < rows_; ++row) multiply(sum(row, v), vector, factor(row));
    }
  }

  void multiply(jit::Vector sum, jit::Vector vector, jit::Vector factor) {
    switch (c_.spec.math) {
      case AttentionMath::f32: return a.vfmadd231ps(sum, vector, factor);
      case AttentionMath::bf16:
      case AttentionMath::amx: return a.vdpbf16ps(sum, vector, factor);
      case AttentionMath::int8: {
        const bool swap = !operands_.unsigned_vectors;
        return a.isa().dot_bytes(sum, swap ? factor : vector, swap ? vector : factor, sum);
      }
      case AttentionMath::int16: {
        const jit::Vector product = kept(kept(), "product");
        a.vpmaddwd(product, vector, factor);
        return a.vpaddd(sum, sum, product);
      }
    }
  }

  const AttentionContext& c_;
  jit::Assembler& a;
  int query_rows_;
  int rows_;
  int vectors_;
  Operands operands_;
  int turn_ = 0;
};

}  // namespace burin::kernels
