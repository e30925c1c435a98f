// Tokenizers from a SentencePiece model file, by libsentencepiece.
#pragma once

#include <filesystem>
#include <memory>

#include "runtime/tokenizer/vocabulary_tokenizer.hpp"

namespace burin::runtime {

// `bos` and `eos` are used where the model names none; add_bos as the folder's configuration says.
// Throws burin::Error where the library cannot load the file.
std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& path, bool add_bos, bool add_eos);

}  // namespace burin::runtime
