#include "runtime/synthetic/shapes.hpp"

#include <charconv>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

constexpr DecoderFamily kLlama = {.architecture = "llama", .gated = true, .own_head = true};
constexpr DecoderFamily kTiedLlama = {.architecture = "llama", .gated = true};
constexpr DecoderFamily kQwen3Moe = {
    .architecture = "qwen3moe", .gated = true, .own_head = true, .head_norms = true};
constexpr DecoderFamily kGptNeox = {.architecture = "gptneox",
                                    .layer_norm = true,
                                    .norm_biases = true,
                                    .biases = true,
                                    .packed_qkv = true,
                                    .own_head = true};
constexpr DecoderFamily kFalcon = {.architecture = "falcon",
                                   .layer_norm = true,
                                   .norm_biases = true,
                                   .packed_qkv = true,
                                   .second_norm = false};
constexpr DecoderFamily kMpt = {.architecture = "mpt", .layer_norm = true, .packed_qkv = true};
constexpr DecoderFamily kBloom = {.architecture = "bloom",
                                  .layer_norm = true,
                                  .norm_biases = true,
                                  .biases = true,
                                  .packed_qkv = true,
                                  .embedding_norm = true};

// From the models' published configurations.
constexpr ModelShape kShapes[] = {
    {"smollm-135m", &kTiedLlama, 576, 1536, 30, 9, 3, 49152, 2048},
    {"llama-1b", &kTiedLlama, 2048, 8192, 16, 32, 8, 128256, 131072, 500000},
    {"llama-7b", &kLlama, 4096, 11008, 32, 32, 32, 32000, 4096},
    {"llama-13b", &kLlama, 5120, 13824, 40, 40, 40, 32000, 4096},
    {"llama-3-8b", &kLlama, 4096, 14336, 32, 32, 8, 128256, 8192, 500000},
    {"llama-70b", &kLlama, 8192, 28672, 80, 64, 8, 32000, 4096},
    {"tinyllama-1.1b", &kLlama, 2048, 5632, 22, 32, 4, 32000, 2048},
    {"mixtral-8x7b", &kLlama, 4096, 14336, 32, 32, 8, 32000, 32768, 1e6, 8, 2},
    {"qwen3-30b-a3b", &kQwen3Moe, 2048, 768, 48, 32, 4, 151936, 40960, 1e6, 128, 8, 128},
    {.name = "neox-20b",
     .family = &kGptNeox,
     .hidden = 6144,
     .feed_forward = 24576,
     .layers = 44,
     .heads = 64,
     .kv_heads = 64,
     .vocabulary = 50432,
     .context = 2048,
     .rotated = 24},
    {"falcon-7b", &kFalcon, 4544, 18176, 32, 71, 1, 65024, 2048},
    {"mpt-7b", &kMpt, 4096, 16384, 32, 32, 32, 50432, 2048},
    {"bloom-7b", &kBloom, 4096, 16384, 30, 32, 32, 250880, 2048},
};

std::int64_t parse_number(const std::string& text, std::string_view number, std::string_view what,
                          std::int64_t most) {
  std::int64_t value = 0;
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, value);
  if (error != std::errc() || stop != end || value < 1 || value > most)
    fail("synthetic shape '{}': {} must be a number from 1 to {}", text, what, most);
  return value;
}

}  // namespace

ShapeName parse_shape_name(const std::string& text) {
  const std::string_view whole = text;
  const std::size_t first = whole.find(':');
  ShapeName name = {whole.substr(0, first)};
  if (first == std::string_view::npos) return name;
  const std::string_view numbers = whole.substr(first + 1);
  const std::size_t second = numbers.find(':');
  name.layers = parse_number(text, numbers.substr(0, second), "layers", 1000);
  if (second != std::string_view::npos)
    name.vocabulary = parse_number(text, numbers.substr(second + 1), "vocabulary", 1 << 20);
  return name;
}

std::optional<ModelShape> find_shape(const ShapeName& name) {
  for (ModelShape shape : kShapes) {
    if (shape.name != name.name) continue;
    if (name.layers > 0) shape.layers = name.layers;
    if (name.vocabulary > 0) shape.vocabulary = name.vocabulary;
    return shape;
  }
  return std::nullopt;
}

std::vector<std::string_view> shape_names() {
  std::vector<std::string_view> names;
  for (const ModelShape& shape : kShapes) names.push_back(shape.name);
  return names;
}

}  // namespace burin::runtime
