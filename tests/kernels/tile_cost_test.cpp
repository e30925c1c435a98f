// The choice of register tiles against all other choices.
#include "templates/gemm/tile_cost.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "templates/gemm/tile_registers.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/weight_formats.hpp"

namespace burin::kernels {
namespace {

constexpr int kMostRows = 40;

// visit(assembler, activation, weights) for what kernels of many rows are made of.
template <typename Visit>
void for_each_tile(Visit visit) {
  for (const char* name : {"avx2", "avxvnni", "avx512", "icelake-server", "znver5", "sapphirerapids"}) {
    const jit::Assembler a(jit::parse_target(name));
    for (const WeightFormat& weights : tests::all_formats())
      for (const Activation activation :
           {Activation::f32, Activation::s8, Activation::s8row, Activation::bf16, Activation::f16}) {
        if (is_int8(activation) && !weights.is_integer()) continue;
        if (!computes(a.target(), activation)) continue;
        SCOPED_TRACE(to_text(weights) + " on " + name);
        visit(a, activation, weights);
      }
  }
}

TEST(TileCost, TilesFitTheRegistersAndNoOtherIsCheaper) {
  for_each_tile([](const jit::Assembler& a, Activation activation, const WeightFormat& weights) {
    const int chosen = cheapest_tile_rows(a, activation, weights);
    const TileCost cost = tile_cost(a, activation, weights);
    EXPECT_GE(TileRegisters(a, activation, weights, chosen).broadcasts(), 1);
    for (int rows = 1; rows <= 6; ++rows) {
      if (TileRegisters(a, activation, weights, rows).broadcasts() < 1) break;
      EXPECT_LE(cost.cycles_per_row(chosen), cost.cycles_per_row(rows)) << rows << " rows";
    }
  });
}

// As kernels cut rows, against the best of all ways to cut them into tiles of the same largest size.
TEST(TileCost, EvenTilesAreAsCheapAsAny) {
  for_each_tile([](const jit::Assembler& a, Activation activation, const WeightFormat& weights) {
    const int most = cheapest_tile_rows(a, activation, weights);
    const TileCost cost = tile_cost(a, activation, weights);
    std::vector<double> cheapest = {0};
    for (int rows = 1; rows <= kMostRows; ++rows) {
      cheapest.push_back(std::numeric_limits<double>::infinity());
      for (int last = 1; last <= std::min(rows, most); ++last)
        cheapest.back() =
            std::min(cheapest.back(), cheapest[static_cast<std::size_t>(rows - last)] + cost.cycles(last));
      const int tiles = (rows + most - 1) / most;
      const int larger = rows % tiles;
      const double even =
          larger * cost.cycles(rows / tiles + 1) + (tiles - larger) * cost.cycles(rows / tiles);
      EXPECT_LE(even, cheapest.back() * (1 + 1e-9)) << rows << " rows, tiles of up to " << most;
    }
  });
}

// As the header has them.
TEST(TileCost, OfInt4OnVnni) {
  const jit::Assembler a(jit::parse_target("icelake-server"));
  const WeightFormat weights = parse_weight_format("int4s.g32.f16");
  const TileCost cost = tile_cost(a, Activation::s8, weights);
  const double expected[] = {40, 20, 15.5, 14.4, 13.7, 13.3};
  for (int rows = 1; rows <= 6; ++rows)
    EXPECT_NEAR(cost.cycles_per_row(rows), expected[rows - 1], 0.05) << rows;
  EXPECT_EQ(cheapest_tile_rows(a, Activation::s8, weights), 6);
}

}  // namespace
}  // namespace burin::kernels
