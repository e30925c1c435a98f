// What a user can ask of the planner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "templates/formats/weight_format.hpp"

namespace burin::graph {

// int8_row: activations have one scale per row, where int8 has one per row and group of weights. int8_bf16: as int8, but
// integer weights of prompts are multiplied in bf16.
enum class ComputeType : std::uint8_t { automatic, int8, int8_row, int8_bf16, bf16, f16, f32 };
enum class KvType : std::uint8_t { automatic, f32, f16, bf16, int8 };

struct PlanOptions {
  // automatic: int8 for integer weights (int8_bf16 where the target has AMX-BF16), bf16 for bf16 ones where the target
  // multiplies it, f32 for others, and for small models.
  ComputeType compute = ComputeType::automatic;
  // automatic: bf16, or f32 where compute is f32.
  KvType kv = KvType::automatic;
  // Quantise linear layers on load; empty: keep the file's format.
  std::optional<kernels::WeightFormat> weights;
  std::int64_t context = 0;  // 0: the model's own, at most 4096
  std::int64_t chunk = 512;  // most tokens evaluated at once
};

// Parse the values of --compute and --kv. Throw burin::Error naming what is supported.
ComputeType parse_compute_type(std::string_view text);
KvType parse_kv_type(std::string_view text);
std::string to_text(ComputeType type);
std::string to_text(KvType type);

}  // namespace burin::graph
