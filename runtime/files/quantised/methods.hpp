// Quantisation methods of Hugging Face checkpoints. Each has a file of its own, and a row in methods.cpp.
#pragma once

#include <vector>

#include "runtime/files/quantised/checkpoint.hpp"

namespace burin::runtime::quantised {

// Finds the method that quantization_config names, and with it every quantised matrix. Tensors' data are looked at
// no further than format and order ask for; codes are read when matrices are packed. Throws burin::Error for
// methods, layouts and tensors that are not supported, naming what is.
std::vector<QuantisedMatrix> read_quantised(const Checkpoint& checkpoint);

std::vector<QuantisedMatrix> read_gptq(const Checkpoint& checkpoint);
std::vector<QuantisedMatrix> read_awq(const Checkpoint& checkpoint);
std::vector<QuantisedMatrix> read_auto_round(const Checkpoint& checkpoint);
std::vector<QuantisedMatrix> read_compressed_tensors(const Checkpoint& checkpoint);
std::vector<QuantisedMatrix> read_bitsandbytes(const Checkpoint& checkpoint);
std::vector<QuantisedMatrix> read_fp8(const Checkpoint& checkpoint);
std::vector<QuantisedMatrix> read_mxfp4(const Checkpoint& checkpoint);
std::vector<QuantisedMatrix> read_hqq(const Checkpoint& checkpoint);
std::vector<QuantisedMatrix> read_modelopt(const Checkpoint& checkpoint);

}  // namespace burin::runtime::quantised
