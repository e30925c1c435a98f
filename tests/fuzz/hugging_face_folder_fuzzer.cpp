// Arbitrary texts as config.json, generation_config.json, tokenizer_config.json and the header of model.safetensors: the
// folder is opened, planned, its tokenizer used and its chat template looked for.
#include "runtime/chat/template_source.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/files_in_one.hpp"
#include "tests/fuzz/safetensors_hole.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

// tokenizer.json has a fuzzer of its own: here, as little of it as can be.
constexpr std::string_view kTokenizer =
    R"({"model": {"type": "BPE", "vocab": {"<s>": 0, "</s>": 1, "a": 2}, "merges": []}, "decoder": {"type": "ByteLevel"},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}})";

// Quantised matrices are read where they are packed, so weights that are all zero do for what is done here.
void write_folder(const TemporaryFolder& folder, const std::vector<std::string_view>& files) {
  folder.write("config.json", files[0]);
  if (!files[1].empty()) folder.write("generation_config.json", files[1]);
  if (!files[2].empty()) folder.write("tokenizer_config.json", files[2]);
  folder.write("tokenizer.json", kTokenizer);
  write_safetensors_without_data(folder, files[3]);
}

void use_folder(const std::filesystem::path& folder) {
  const std::unique_ptr<runtime::ModelFile> model = runtime::ModelFile::open(folder);
  use_or_refuse([&] { plan_for_avx2(*model); });
  use_or_refuse([&] {
    const std::unique_ptr<runtime::Tokenizer> tokenizer = runtime::Tokenizer::load(*model);
    use_tokenizer(*tokenizer);
    runtime::special_token_texts(*model, *tokenizer);
  });
  use_or_refuse([&] { runtime::find_chat_template(*model, ""); });
}

}  // namespace
}  // namespace burin::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin::tests;
  const TemporaryFolder folder;
  write_folder(folder, files_of(data, size, 4));
  use_or_refuse([&] { use_folder(folder.path()); });
  return 0;
}
