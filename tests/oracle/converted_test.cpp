// GGUF forms of architectures for which the reference data has Hugging Face folders only: the description and
// the tensors as llama.cpp's converter writes them (names and keys of the GGUF specification; rows of Q and K
// permuted where its architecture is derived from LLaMA), against the same logits.
#include <gtest/gtest.h>

#include "graph/arch/architectures.hpp"
#include "tests/oracle/model_tensors.hpp"
#include "tests/support/gguf_names.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::tests {
namespace {

using nlohmann::json;

struct Conversion {
  const char* folder;
  const char* architecture;
  bool permuted;
  json keys;              // beyond what all have
  TensorNamePairs names;  // within layers, beyond LLaMA's
};

void PrintTo(const Conversion& conversion, std::ostream* out) { *out << conversion.folder; }

class ConvertedModel {
 public:
  explicit ConvertedModel(const Conversion& conversion)
      : conversion_(conversion), file_(runtime::ModelFile::open(reference_path("arch/" + folder()))) {
    description_ = file_->description();
    description_.origin = graph::Origin::gguf;
    description_.architecture = conversion.architecture;
    description_.config = config();
    for (graph::TensorDescription& tensor : description_.tensors) {
      const std::string name = gguf_name(tensor.name, conversion.names);
      original_[name] = tensor.name;
      tensor.name = name;
    }
    description_.index_tensors();
  }

  const graph::ModelDescription& description() const { return description_; }

  OracleTensor tensor(const std::string& name) const {
    OracleTensor made = read_tensor(*file_, original_.at(name));
    const bool q = name.ends_with("attn_q.weight");
    if (conversion_.permuted && (q || name.ends_with("attn_k.weight")))
      permute(made, file_->description().config[q ? "num_attention_heads" : "num_key_value_heads"]);
    return made;
  }

 private:
  std::string folder() const { return conversion_.folder; }

  json config() const {
    const json& from = file_->description().config;
    json to = {{"embedding_length", from["hidden_size"]},
               {"feed_forward_length", from["intermediate_size"]},
               {"block_count", from["num_hidden_layers"]},
               {"attention.head_count", from["num_attention_heads"]},
               {"attention.head_count_kv", from["num_key_value_heads"]},
               {"context_length", from["max_position_embeddings"]},
               {"rope.freq_base",
                from.contains("rope_theta") ? from["rope_theta"] : from["rope_parameters"]["rope_theta"]}};
    if (from.contains("rms_norm_eps")) to["attention.layer_norm_rms_epsilon"] = from["rms_norm_eps"];
    if (from.contains("layer_norm_eps")) to["attention.layer_norm_epsilon"] = from["layer_norm_eps"];
    to.update(conversion_.keys);
    json prefixed;
    for (const auto& [key, value] : to.items()) prefixed[conversion_.architecture + ("." + key)] = value;
    return prefixed;
  }

  // Halves of a head become neighbours.
  static void permute(OracleTensor& tensor, std::size_t heads) {
    const std::size_t rows = static_cast<std::size_t>(tensor.shape[0]);
    const std::size_t width = static_cast<std::size_t>(tensor.shape[1]);
    const std::size_t size = rows / heads;
    const std::vector<double> stored = tensor.values;
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t element = row % size;
      const std::size_t from = row - element + element / 2 + element % 2 * (size / 2);
      std::copy_n(stored.begin() + static_cast<std::ptrdiff_t>(from * width), width,
                  tensor.values.begin() + static_cast<std::ptrdiff_t>(row * width));
    }
  }

  const Conversion& conversion_;
  std::unique_ptr<runtime::ModelFile> file_;
  graph::ModelDescription description_;
  std::map<std::string, std::string> original_;
};

class Converted : public testing::TestWithParam<Conversion> {};

TEST_P(Converted, HasTheLogitsOfTheOriginal) {
  const std::string folder = std::string("arch/") + GetParam().folder;
  BURIN_NEEDS_REFERENCE(folder);
  const ConvertedModel model(GetParam());
  const graph::Decoder decoder = graph::build_decoder(model.description());
  GraphOracle oracle(decoder.graph, [&](const std::string& name) { return model.tensor(name); });
  const auto tokens =
      read_json(reference_path(folder + "/reference.json"))["tokens"].get<std::vector<std::int32_t>>();
  const std::vector<float> expected = read_floats(reference_path(folder + "/logits.f32"));
  const Rows rows = oracle.run(tokens);
  ASSERT_EQ(rows.size() * rows[0].size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(rows[i / rows[0].size()][i % rows[0].size()], static_cast<double>(expected[i]), 1e-3) << i;
}

const Conversion kConversions[] = {
    {"granite",
     "granite",
     true,
     {{"attention.scale", 0.1}, {"embedding_scale", 4.0}, {"residual_scale", 0.4}, {"logit_scale", 2.0}},
     {}},
    {"cohere", "command-r", false, {{"logit_scale", 0.25}, {"rope.scaling.type", "none"}}, {}},
    {"olmo2",
     "olmo2",
     false,
     json::object(),
     {{"post_attention_layernorm", "post_attention_norm"},
      {"post_feedforward_layernorm", "post_ffw_norm"},
      {"self_attn.q_norm", "attn_q_norm"},
      {"self_attn.k_norm", "attn_k_norm"}}},
    {"smollm3", "smollm3", true, json::object(), {}},
};

INSTANTIATE_TEST_SUITE_P(Files, Converted, testing::ValuesIn(kConversions),
                         [](const testing::TestParamInfo<Conversion>& test) { return test.param.folder; });

}  // namespace
}  // namespace burin::tests
