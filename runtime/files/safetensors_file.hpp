// One safetensors file: a JSON header and raw tensors.
// Format: https://github.com/huggingface/safetensors#format
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "graph/model_description.hpp"

namespace burin::runtime {

struct SafetensorsTensor {
  graph::TensorDescription description;
  std::span<const std::byte> data;
};

struct SafetensorsFile {
  std::vector<SafetensorsTensor> tensors;
  // "__metadata__": also how save_model names tensors that share another's memory.
  std::map<std::string, std::string> metadata;
};

// Reads the header; data are views into `bytes`. Throws burin::Error naming file, field and value for anything
// malformed: sizes, offsets, types, overlaps, names that stand twice.
SafetensorsFile read_safetensors(const std::string& path, std::span<const std::byte> bytes);

}  // namespace burin::runtime
