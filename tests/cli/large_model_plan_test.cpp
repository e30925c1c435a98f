// burin plan on a file of 70 billion weights, of which only the header is there: the rest is a hole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/gguf_writer.hpp"
#include "tests/support/run_command.hpp"

namespace burin::tests {
namespace {

using kernels::StoredType;

class SparseLlama {
 public:
  SparseLlama() {
    gguf_.set<std::string>("general.architecture", "llama");
    for (const auto& [key, value] : {std::pair{"embedding_length", kHidden},
                                     {"feed_forward_length", kFeedForward},
                                     {"block_count", kLayers},
                                     {"attention.head_count", 64},
                                     {"attention.head_count_kv", 8},
                                     {"context_length", 8192}})
      gguf_.set(std::string("llama.") + key, static_cast<std::uint32_t>(value));
    gguf_.set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    std::vector<std::string> tokens;
    for (int id = 0; id < kVocabulary; ++id) tokens.push_back(fmt::format("token{}", id));
    gguf_.set_array("tokenizer.ggml.tokens", tokens);
    add("token_embd", kVocabulary, kHidden);
    for (int layer = 0; layer < kLayers; ++layer) add_layer(fmt::format("blk.{}.", layer));
    add("output_norm", 1, kHidden, StoredType::f32);
    add("output", kVocabulary, kHidden);
  }

  std::string write(const std::filesystem::path& folder) const {
    const std::filesystem::path path = folder / "large.gguf";
    const std::string header = gguf_.header();
    std::ofstream(path, std::ios::binary) << header;
    std::filesystem::resize_file(path, header.size() + gguf_.alignment + offset_);
    return path;
  }

  static constexpr int kLayers = 80;

 private:
  static constexpr int kHidden = 8192, kFeedForward = 28672, kVocabulary = 128256, kKvWidth = 1024;

  void add(const std::string& name, int outputs, int inputs, StoredType type = StoredType::q4_k) {
    std::vector<std::uint64_t> dimensions = {static_cast<std::uint64_t>(inputs)};
    if (outputs > 1) dimensions.push_back(static_cast<std::uint64_t>(outputs));
    gguf_.tensors.push_back({name + ".weight", std::move(dimensions), ggml_type_id(type), "", offset_});
    const kernels::StoredLayout& layout = kernels::layout_of(type);
    const std::uint64_t blocks =
        static_cast<std::uint64_t>(outputs) * static_cast<std::uint64_t>(inputs / layout.elements);
    offset_ += (blocks * static_cast<std::uint64_t>(layout.bytes) + gguf_.alignment - 1) / gguf_.alignment *
               gguf_.alignment;
  }

  void add_layer(const std::string& prefix) {
    add(prefix + "attn_norm", 1, kHidden, StoredType::f32);
    add(prefix + "attn_q", kHidden, kHidden);
    add(prefix + "attn_k", kKvWidth, kHidden);
    add(prefix + "attn_v", kKvWidth, kHidden);
    add(prefix + "attn_output", kHidden, kHidden);
    add(prefix + "ffn_norm", 1, kHidden, StoredType::f32);
    add(prefix + "ffn_gate", kFeedForward, kHidden);
    add(prefix + "ffn_up", kFeedForward, kHidden);
    add(prefix + "ffn_down", kHidden, kFeedForward);
  }

  GgufWriter gguf_;
  std::uint64_t offset_ = 0;
};

TEST(LargeModel, IsPlannedFromItsHeaderForCpusOneDoesNotOwn) {
  const TemporaryFolder folder;
  const std::string file = SparseLlama().write(folder.path());
  ASSERT_GT(std::filesystem::file_size(file), std::uintmax_t{35} << 30);
  for (const char* target : {"graniterapids", "haswell"}) {
    const std::string html = (folder.path() / "plan.html").string();
    const CommandResult result = run_burin({"plan", file, "--target", target, "--json", "--html", html});
    ASSERT_EQ(result.status, 0) << result.errors;
    const nlohmann::json plan = result.json();
    EXPECT_EQ(plan["layers"], SparseLlama::kLayers);
    EXPECT_EQ(plan["layer_groups"].size(), 1u);
    EXPECT_EQ(plan["limits"]["measured"], false);
    EXPECT_GT(plan["weight_bytes"].get<std::uint64_t>(), std::uint64_t{35} << 30);
    // At least what reading the weights takes.
    EXPECT_GT(plan["estimate"]["decode_s"].get<double>(),
              plan["weight_bytes"].get<double>() * 0.98 / (plan["limits"]["read_gb_s"].get<double>() * 1e9));
    EXPECT_LT(std::filesystem::file_size(html), 1u << 20);
  }
}

}  // namespace
}  // namespace burin::tests
