#include "runtime/synthetic/shapes.hpp"

#include <charconv>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

constexpr DecoderFamily kLlama = {.architecture = "llama", .gated = true, .own_head = true};
constexpr DecoderFamily kTiedLlama = {.architecture = "llama", .gated = true};
constexpr DecoderFamily kQwen3Moe = {
    .architecture = "qwen3moe", .gated = true, .own_head = true, .head_norms = true};
constexpr DecoderFamily kGptj = {.architecture = ""};
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
    {"llama-1b", &kLlama, 2048, 8192, 16, 32, 8, 128256, 131072, 500000},
    {"llama-7b", &kLlama, 4096, 11008, 32, 32, 32, 32000, 4096},
    {"llama-13b", &kLlama, 5120, 13824, 40, 40, 40, 32000, 4096},
    {"llama-3-8b", &kLlama, 4096, 14336, 32, 32, 8, 128256, 8192, 500000},
    {"llama-70b", &kLlama, 8192, 28672, 80, 64, 8, 32000, 4096},
    {"tinyllama-1.1b", &kLlama, 2048, 5632, 22, 32, 4, 32000, 2048},
    {"mixtral-8x7b", &kLlama, 4096, 14336, 32, 32, 8, 32000, 32768, 1e6, 8, 2},
    {"qwen3-30b-a3b", &kQwen3Moe, 2048, 768, 48, 32, 4, 151936, 40960, 1e6, 128, 8, 128},
    {.name = "gptj-6b",
     .family = &kGptj,
     .hidden = 4096,
     .feed_forward = 16384,
     .layers = 28,
     .heads = 16,
     .kv_heads = 16,
     .vocabulary = 50400,
     .context = 2048,
     .rotated = 64},
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

ModelShape find_shape(std::string_view name) {
  std::string known;
  for (const ModelShape& shape : kShapes) {
    if (shape.name == name) return shape;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", shape.name);
  }
  fail("synthetic shape '{}': unknown: use one of {}", name, known);
}

}  // namespace

ModelShape parse_shape(const std::string& text) {
  const std::size_t colon = text.find(':');
  ModelShape shape = find_shape(std::string_view(text).substr(0, colon));
  if (colon == std::string::npos) return shape;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, shape.layers);
  if (error != std::errc() || stop != end || shape.layers < 1 || shape.layers > 1000)
    fail("synthetic shape '{}': layers must be a number from 1 to 1000", text);
  return shape;
}

}  // namespace burin::runtime
