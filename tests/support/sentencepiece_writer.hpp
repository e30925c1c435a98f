// Writes SentencePiece models in memory. Format: sentencepiece_model.proto of https://github.com/google/sentencepiece,
// as protocol buffers encode it (https://protobuf.dev/programming-guides/encoding).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/byte_text.hpp"
#include "tests/support/tiny_llama.hpp"

namespace burin::tests {

inline std::string proto_varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
inline std::string proto_number(int field, std::uint64_t value) {
  return proto_varint(static_cast<std::uint64_t>(field) << 3) + proto_varint(value);
}
inline std::string proto_float(int field, float value) {
  return proto_varint(static_cast<std::uint64_t>(field) << 3 | 5) + value_bytes(value);
}
inline std::string proto_bytes(int field, std::string_view bytes) {
  return proto_varint(static_cast<std::uint64_t>(field) << 3 | 2) + proto_varint(bytes.size()) +
         std::string(bytes);
}

enum class SentencePieceKind : std::uint8_t { unigram = 1, bpe = 2 };

// A precompiled_charsmap: a double array (https://github.com/s-yata/darts-clone) of characters, whose values are where in
// `texts` their replacements begin. This one makes "a" of "A". Units may be changed before bytes() puts it together.
struct CharacterMapWriter {
  static constexpr std::uint32_t kEndsKey = 1 << 8, kIsValue = 1u << 31;
  static constexpr std::uint32_t kUnused = kIsValue;  // no text leads there
  static constexpr std::uint32_t kRoot = 0, kChildren = 256, kLetter = kChildren ^ 'A', kValue = kLetter ^ 1;

  std::vector<std::uint32_t> units = std::vector<std::uint32_t>(512, kUnused);
  std::string texts = std::string("a\0", 2);

  CharacterMapWriter() {
    units[kRoot] = unit(kRoot, kChildren, 0);
    units[kLetter] = unit(kLetter, kValue, 'A') | kEndsKey;
    units[kValue] = kIsValue | 0;
  }

  // At `index`, with children from `children` on, and reached by the label.
  static std::uint32_t unit(std::uint32_t index, std::uint32_t children, char label) {
    return (index ^ children) << 10 | static_cast<unsigned char>(label);
  }

  std::string bytes() const {
    std::string map = value_bytes(static_cast<std::uint32_t>(units.size() * sizeof(units[0])));
    for (const std::uint32_t unit : units) append_value(map, unit);
    return map + texts;
  }
};

// Settings may be changed before bytes() puts the file together.
struct SentencePieceWriter {
  std::vector<TinyPiece> pieces = tiny_pieces();  // types are numbered as in GGUF files
  SentencePieceKind kind = SentencePieceKind::bpe;
  std::string character_map;  // normalizer_spec.precompiled_charsmap
  std::string decoding_map;   // denormalizer_spec's
  bool removes_spaces = false;

  std::string bytes() const {
    std::string file;
    for (const TinyPiece& piece : pieces)
      file += proto_bytes(1, proto_bytes(1, piece.text) + proto_float(2, piece.score) +
                                 proto_number(3, static_cast<std::uint64_t>(piece.type)));
    file += proto_bytes(2, proto_number(3, static_cast<std::uint64_t>(kind)) + proto_number(35, 1));
    std::string normalizer = proto_bytes(1, "identity");
    if (!character_map.empty()) normalizer += proto_bytes(2, character_map);
    file += proto_bytes(3, normalizer + proto_number(4, removes_spaces ? 1 : 0));
    if (!decoding_map.empty()) file += proto_bytes(5, proto_bytes(2, decoding_map));
    return file;
  }
};

}  // namespace burin::tests
