// What a SentencePiece model file says of how text is prepared, which its library does not tell.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace burin::runtime {

struct SentencePieceSettings {
  bool adds_space = true;     // in front of every text
  bool changes_text = false;  // other characters (NFKC ...), no repeated spaces, spaces behind words
  bool plain_bpe = false;     // BPE (not unigram ...), and no token is unused
  std::vector<std::int32_t> user_defined;  // ids of tokens that are found in a text before all others
  bool is_whole = true;  // else the rest is of what stands before something that cannot be understood
};

// Of a serialised ModelProto (https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto):
// messages of Protocol Buffers. What cannot be understood counts as a change of the text.
SentencePieceSettings read_settings(std::string_view model);

// The compiled maps of characters that it has: for encoding, and for decoding. Views into it; none is empty.
std::vector<std::string_view> character_maps(std::string_view model);

}  // namespace burin::runtime
