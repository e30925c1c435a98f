// What NVIDIA's Model Optimizer exports: FP8 with one scale per matrix, and NVFP4 (nvfp4.hpp). Scales of activations
// (input_scale) are not used: activations are not rounded to four or eight bits.
// Source: https://github.com/NVIDIA/TensorRT-Model-Optimizer (modelopt/torch/export).
#include "runtime/files/quantised/fp8.hpp"
#include "runtime/files/quantised/methods.hpp"
#include "runtime/files/quantised/nvfp4.hpp"

namespace burin::runtime::quantised {

std::vector<QuantisedMatrix> read_modelopt(const Checkpoint& checkpoint) {
  const std::string algorithm = checkpoint.config().text_or("quant_algo", "");
  if (algorithm != "NVFP4" && algorithm != "FP8")
    checkpoint.config().refuse("quant_algo", "not supported: NVFP4 and FP8 are");
  const bool four_bits = algorithm == "NVFP4";
  std::vector<QuantisedMatrix> matrices;
  for (const std::string& layer : checkpoint.layers_with(four_bits ? ".weight_scale_2" : ".weight_scale"))
    matrices.push_back(four_bits ? nvfp4_matrix(checkpoint, layer, kModeloptNvfp4)
                                 : fp8_matrix(checkpoint, layer, ".weight_scale"));
  return matrices;
}

}  // namespace burin::runtime::quantised
