// Arbitrary bytes as the weights of a Hugging Face folder: read, planned.
#include "runtime/files/safetensors_file.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/fuzzed_model.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/use_model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin;
  static const nlohmann::json config = tests::tiny_config(tests::fuzzed_model());
  tests::use_or_refuse([&] {
    runtime::SafetensorsFile file =
        runtime::read_safetensors("fuzzed", {reinterpret_cast<const std::byte*>(data), size});
    graph::ModelDescription model;
    model.path = "fuzzed";
    model.origin = graph::Origin::hugging_face;
    model.architecture = "LlamaForCausalLM";
    model.config = config;
    for (runtime::SafetensorsTensor& tensor : file.tensors) {
      tests::expect(tensor.data.size() == tensor.description.bytes, "size of a tensor");
      tests::expect(tensor.data.empty() || (tensor.data.data() >= reinterpret_cast<const std::byte*>(data) &&
                                            tensor.data.data() + tensor.data.size() <=
                                                reinterpret_cast<const std::byte*>(data) + size),
                    "tensor within the file");
      model.tensors.push_back(std::move(tensor.description));
    }
    model.index_tensors();
    graph::make_plan(model, jit::parse_target("avx2"), {});
  });
  return 0;
}
