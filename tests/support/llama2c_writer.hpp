// Writes small models and tokenizers in llama2.c's formats (export version 0).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/byte_text.hpp"
#include "tests/support/tiny_llama.hpp"

namespace burin::tests {

inline std::string tiny_llama2c(const TinyLlama& model = {}) {
  const auto vocabulary = static_cast<std::int32_t>(tiny_pieces().size());
  const std::vector<TinyTensor> tensors = tiny_tensors(model, vocabulary);
  std::string bytes;
  for (const std::int32_t field : {model.hidden, model.feed_forward, model.layers, model.heads,
                                   model.kv_heads, model.own_head ? -vocabulary : vocabulary, model.context})
    append_value(bytes, field);
  // By kind, each for all layers.
  const auto append_all = [&](std::string_view ending) {
    for (const TinyTensor& tensor : tensors)
      if (tensor.gguf_name.ends_with(ending))
        for (const float value : tensor.values) append_value(bytes, value);
  };
  for (const char* kind : {"token_embd", ".attn_norm", ".attn_q", ".attn_k", ".attn_v", ".attn_output",
                           ".ffn_norm", ".ffn_gate", ".ffn_down", ".ffn_up", "output_norm"})
    append_all(std::string(kind) + ".weight");
  for (int i = 0; i < model.context * (model.hidden / model.heads); ++i)
    append_value(bytes, 0.0f);  // RoPE tables
  if (model.own_head)
    for (const float value : tensors.back().values) append_value(bytes, value);
  return bytes;
}

// Goes beside the model, as tokenizer.bin or tok300.bin.
inline std::string tiny_llama2c_tokenizer() {
  std::string bytes = value_bytes(std::int32_t{16});
  for (const TinyPiece& piece : tiny_pieces()) {
    std::string text = piece.type == 3 ? fmt::format("\n{}\n", piece.text) : piece.text;
    for (std::size_t at; (at = text.find("\xe2\x96\x81")) != std::string::npos;) {
      text.erase(at, 2);
      text[at] = ' ';
    }
    append_value(bytes, piece.score);
    append_value(bytes, static_cast<std::int32_t>(text.size()));
    bytes += text;
  }
  return bytes;
}

}  // namespace burin::tests
