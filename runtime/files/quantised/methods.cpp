#include "runtime/files/quantised/methods.hpp"

#include <string>
#include <string_view>

namespace burin::runtime::quantised {
namespace {

struct Method {
  std::string_view name;  // as quant_method spells it
  std::vector<QuantisedMatrix> (*read)(const Checkpoint& checkpoint);
};

constexpr Method kMethods[] = {
    {"gptq", read_gptq},
    {"awq", read_awq},
    {"auto-round", read_auto_round},
    {"intel/auto-round", read_auto_round},
    {"compressed-tensors", read_compressed_tensors},
    {"bitsandbytes", read_bitsandbytes},
    {"fp8", read_fp8},
    {"fbgemm_fp8", read_fp8},
    {"mxfp4", read_mxfp4},
    {"hqq", read_hqq},
    {"modelopt", read_modelopt},
};

}  // namespace

std::vector<QuantisedMatrix> read_quantised(const Checkpoint& checkpoint) {
  const std::string name = checkpoint.config().text_or("quant_method", "");
  std::string known;
  for (const Method& method : kMethods) {
    if (method.name == name) return method.read(checkpoint);
    known += (known.empty() ? "" : ", ") + std::string(method.name);
  }
  checkpoint.config().refuse("quant_method", "this quantisation method is not supported: use one of " +
                                                 known +
                                                 ", the original model with --weights int4, or a GGUF file");
}

}  // namespace burin::runtime::quantised
