// What a SentencePiece model file says of how text is prepared, which its library does not tell.
#pragma once

#include <string_view>

namespace burin::runtime {

struct SentencePieceSettings {
  bool adds_space = true;     // in front of every text
  bool changes_text = false;  // other characters (NFKC ...), no repeated spaces, spaces behind words
  bool plain_bpe = false;     // BPE (not unigram ...) over tokens none of which is user-defined or unused
};

// Of a serialised ModelProto (https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto):
// messages of Protocol Buffers. What cannot be understood counts as a change of the text.
SentencePieceSettings read_settings(std::string_view model);

}  // namespace burin::runtime
