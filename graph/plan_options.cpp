#include "graph/plan_options.hpp"

#include "jit/error.hpp"

namespace burin::graph {

ComputeType parse_compute_type(std::string_view text) {
  if (text == "auto") return ComputeType::automatic;
  if (text == "int8") return ComputeType::int8;
  if (text == "int8-row") return ComputeType::int8_row;
  if (text == "bf16") return ComputeType::bf16;
  if (text == "f16") return ComputeType::f16;
  if (text == "f32") return ComputeType::f32;
  fail("--compute '{}': unknown: use auto, int8, int8-row, bf16, f16 or f32", text);
}

KvType parse_kv_type(std::string_view text) {
  if (text == "auto") return KvType::automatic;
  if (text == "f32") return KvType::f32;
  if (text == "f16") return KvType::f16;
  if (text == "bf16") return KvType::bf16;
  if (text == "int8") return KvType::int8;
  fail("--kv '{}': unknown: use auto, f32, f16, bf16 or int8", text);
}

std::string to_text(ComputeType type) {
  switch (type) {
    case ComputeType::automatic: return "auto";
    case ComputeType::int8: return "int8";
    case ComputeType::int8_row: return "int8-row";
    case ComputeType::bf16: return "bf16";
    case ComputeType::f16: return "f16";
    case ComputeType::f32: return "f32";
  }
  return "?";
}

std::string to_text(KvType type) {
  switch (type) {
    case KvType::automatic: return "auto";
    case KvType::f32: return "f32";
    case KvType::f16: return "f16";
    case KvType::bf16: return "bf16";
    case KvType::int8: return "int8";
  }
  return "?";
}

}  // namespace burin::graph
