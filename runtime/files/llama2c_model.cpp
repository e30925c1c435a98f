#include "runtime/files/llama2c_model.hpp"

#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

struct Header {
  std::int32_t dim, hidden_dim, layers, heads, kv_heads, vocabulary, context;
};

constexpr std::int64_t kLargest = 1 << 24;

std::optional<Header> read_header(std::span<const std::byte> bytes) {
  Header h{};
  if (bytes.size() < sizeof(h)) return std::nullopt;
  std::memcpy(&h, bytes.data(), sizeof(h));
  for (const std::int32_t field : {h.dim, h.hidden_dim, h.layers, h.heads, h.kv_heads, h.context})
    if (field < 1 || field > kLargest) return std::nullopt;
  if (h.vocabulary == 0 || std::llabs(h.vocabulary) > kLargest) return std::nullopt;
  if (h.dim % h.heads != 0 || h.heads % h.kv_heads != 0 || h.dim / h.heads % 2 != 0) return std::nullopt;
  return h;
}

// A negative vocabulary says that the classifier is stored by itself.
std::int64_t vocabulary_of(const Header& h) { return std::llabs(h.vocabulary); }

// Fields are below 2^24, so doubles hold every sum well enough to compare sizes of possible files.
double expected_bytes(const Header& h) {
  const double dim = h.dim;
  const double kv_width = dim / h.heads * h.kv_heads;
  const double layer = 2 * dim + 2 * dim * dim + 2 * dim * kv_width + 3 * dim * h.hidden_dim;
  const double table = static_cast<double>(vocabulary_of(h)) * dim;
  const double rotations = static_cast<double>(h.context) * (dim / h.heads);
  const double floats = table * (h.vocabulary < 0 ? 2 : 1) + h.layers * layer + dim + rotations;
  return static_cast<double>(sizeof(Header)) + 4 * floats;
}

}  // namespace

bool Llama2cModel::recognises(std::span<const std::byte> bytes) {
  const std::optional<Header> header = read_header(bytes);
  return header && expected_bytes(*header) == static_cast<double>(bytes.size());
}

Llama2cModel::Llama2cModel(std::unique_ptr<MappedFile> file) : file_(std::move(file)) {
  const Header h = *read_header(file_->bytes());
  const std::int64_t dim = h.dim;
  const std::int64_t kv_width = dim / h.heads * h.kv_heads;
  description_.path = file_->path();
  description_.origin = graph::Origin::gguf;
  description_.architecture = "llama";
  description_.config = {{"llama.embedding_length", h.dim},
                         {"llama.feed_forward_length", h.hidden_dim},
                         {"llama.block_count", h.layers},
                         {"llama.attention.head_count", h.heads},
                         {"llama.attention.head_count_kv", h.kv_heads},
                         {"llama.context_length", h.context},
                         {"llama.rope.dimension_count", h.dim / h.heads},
                         {"llama.attention.layer_norm_rms_epsilon", 1e-5},
                         {"llama.rope.freq_base", 10000.0},
                         {"llama.vocab_size", vocabulary_of(h)}};
  at_ = sizeof(Header);
  const auto add_layers = [&](std::string_view name, const std::vector<std::int64_t>& shape) {
    for (std::int32_t layer = 0; layer < h.layers; ++layer)
      add(fmt::format("blk.{}.{}.weight", layer, name), shape);
  };
  add("token_embd.weight", {vocabulary_of(h), dim});
  add_layers("attn_norm", {dim});
  add_layers("attn_q", {dim, dim});
  add_layers("attn_k", {kv_width, dim});
  add_layers("attn_v", {kv_width, dim});
  add_layers("attn_output", {dim, dim});
  add_layers("ffn_norm", {dim});
  add_layers("ffn_gate", {h.hidden_dim, dim});
  add_layers("ffn_down", {dim, h.hidden_dim});
  add_layers("ffn_up", {h.hidden_dim, dim});
  add("output_norm.weight", {dim});
  at_ += static_cast<std::size_t>(h.context) * static_cast<std::size_t>(dim / h.heads) * 4;  // RoPE tables
  if (h.vocabulary < 0) add("output.weight", {vocabulary_of(h), dim});
  description_.index_tensors();
}

void Llama2cModel::add(std::string name, std::vector<std::int64_t> shape) {
  graph::TensorDescription tensor;
  tensor.name = std::move(name);
  tensor.type_name = "F32";
  tensor.type = kernels::StoredType::f32;
  tensor.bytes = 4;
  for (const std::int64_t dimension : shape) tensor.bytes *= static_cast<std::uint64_t>(dimension);
  tensor.shape = std::move(shape);
  data_.push_back(file_->bytes().subspan(at_, static_cast<std::size_t>(tensor.bytes)));
  at_ += static_cast<std::size_t>(tensor.bytes);
  description_.tensors.push_back(std::move(tensor));
}

std::filesystem::path Llama2cModel::folder() const {
  return std::filesystem::path(file_->path()).parent_path();
}

}  // namespace burin::runtime
