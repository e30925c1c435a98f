#include "runtime/synthetic/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "jit/error.hpp"
#include "runtime/files/gguf_writer.hpp"
#include "runtime/synthetic/description.hpp"
#include "runtime/synthetic/random_blocks.hpp"
#include "runtime/synthetic/shapes.hpp"
#include "templates/formats/packing.hpp"

namespace burin::runtime {
namespace {

using kernels::StoredType;

constexpr std::size_t kPatternBlocks = 4096;
constexpr int kByteTokens = 256;
enum TokenType : std::int32_t { normal = 1, unknown = 2, control = 3, byte = 6 };

// Random blocks, over and over: making gigabytes of them would take longer than writing them.
class Patterns {
 public:
  void fill(const graph::TensorDescription& tensor, std::uint64_t offset, std::span<std::byte> bytes) {
    const std::vector<std::byte>& pattern = pattern_of(*tensor.type);
    std::size_t from = offset % pattern.size();
    for (std::size_t at = 0; at < bytes.size(); from = 0) {
      const std::size_t count = std::min(pattern.size() - from, bytes.size() - at);
      std::copy_n(pattern.begin() + static_cast<std::ptrdiff_t>(from), count,
                  bytes.begin() + static_cast<std::ptrdiff_t>(at));
      at += count;
    }
  }

 private:
  const std::vector<std::byte>& pattern_of(StoredType type) {
    std::vector<std::byte>& pattern = patterns_[type];
    if (pattern.empty()) {
      pattern.resize(kPatternBlocks * static_cast<std::size_t>(kernels::layout_of(type).bytes));
      fill_random_blocks(type, 1, pattern);
    }
    return pattern;
  }

  std::map<StoredType, std::vector<std::byte>> patterns_;
};

// Of SentencePiece's kind: unknown, begin, end, the bytes, and words with a number.
void add_vocabulary(GgufMetadata& metadata, std::int64_t size) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<std::int32_t> types = {TokenType::unknown, TokenType::control, TokenType::control};
  for (int value = 0; value < kByteTokens; ++value) {
    tokens.push_back(fmt::format("<0x{:02X}>", value));
    types.push_back(TokenType::byte);
  }
  for (std::int64_t id = std::ssize(tokens); id < size; ++id) {
    tokens.push_back(fmt::format("\u2581word{}", id));
    types.push_back(TokenType::normal);
  }
  std::vector<float> scores;
  for (std::size_t id = 0; id < tokens.size(); ++id) scores.push_back(-static_cast<float>(id));
  metadata.add("tokenizer.ggml.model", "llama");
  metadata.add("tokenizer.ggml.tokens", tokens);
  metadata.add("tokenizer.ggml.scores", scores);
  metadata.add("tokenizer.ggml.token_type", types);
  metadata.add("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  metadata.add("tokenizer.ggml.eos_token_id", std::uint32_t{2});
  metadata.add("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
}

void add_setting(GgufMetadata& metadata, const std::string& key, const nlohmann::json& value) {
  if (value.is_boolean())
    metadata.add(key, value.get<bool>());
  else if (value.is_number_integer())
    metadata.add(key, value.get<std::uint32_t>());
  else if (value.is_number())
    metadata.add(key, value.get<float>());
  else
    metadata.add(key, value.get<std::string>());
}

GgufMetadata metadata_of(const graph::ModelDescription& model, std::int64_t vocabulary) {
  GgufMetadata metadata;
  metadata.add("general.architecture", model.architecture);
  metadata.add("general.name", model.path);
  for (const auto& [key, value] : model.config.items())
    if (key != "general.architecture") add_setting(metadata, key, value);
  add_vocabulary(metadata, vocabulary);
  return metadata;
}

}  // namespace

StoredType stored_type_of(const kernels::WeightFormat& format) {
  for (int i = 0; i <= static_cast<int>(StoredType::iq1_m); ++i) {
    const auto type = static_cast<StoredType>(i);
    if (has_random_blocks(type) && kernels::natural_format(type) == format) return type;
  }
  fail("{}: synthetic GGUF files cannot hold it: use what a GGUF type is, as int4 in groups of 32 (Q4_0)",
       kernels::to_text(format));
}

std::uint64_t write_synthetic_gguf(const std::string& shape, StoredType matrices, const std::string& path) {
  const graph::ModelDescription model = synthetic_description(shape, matrices);
  if (model.origin != graph::Origin::gguf)
    fail("synthetic shape {}: GGUF files have no {}: use llama-7b or another shape", shape,
         model.architecture);
  Patterns patterns;
  const auto embedding = static_cast<std::size_t>(model.find("token_embd.weight"));
  return write_gguf(path, metadata_of(model, model.tensors[embedding].shape[0]), model.tensors,
                    [&](const graph::TensorDescription& tensor, std::uint64_t offset,
                        std::span<std::byte> bytes) { patterns.fill(tensor, offset, bytes); });
}

}  // namespace burin::runtime
