// llama2.c's tokenizer files: [int32 longest token], then per token [f32 score][int32 length][bytes].
#include <cmath>
#include <cstring>

#include "jit/error.hpp"
#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/loaders.hpp"
#include "runtime/tokenizer/text_bpe_tokenizer.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;

template <typename Value>
Value read_at(const MappedFile& file, std::size_t& at) {
  if (file.bytes().size() - at < sizeof(Value)) fail("{}: is cut off at byte {}", file.path(), at);
  Value value;
  std::memcpy(&value, file.bytes().data() + at, sizeof(value));
  at += sizeof(value);
  return value;
}

}  // namespace

std::unique_ptr<Tokenizer> load_llama2c_tokenizer(const fs::path& folder, std::int64_t size) {
  fs::path path = folder / fmt::format("tok{}.bin", size);
  if (!file_exists(path)) path = folder / "tokenizer.bin";
  if (!file_exists(path))
    fail("{}: has neither tok{}.bin nor tokenizer.bin beside the model",
         folder.empty() ? "." : folder.string(), size);
  const std::unique_ptr<MappedFile> file = MappedFile::open(path);
  refuse_lfs_pointer(file->path(), file->text());
  Vocabulary vocabulary;
  vocabulary.path = file->path();
  std::vector<float> scores;
  std::size_t at = 0;
  read_at<std::int32_t>(*file, at);
  for (std::int64_t id = 0; id < size; ++id) {
    const float score = read_at<float>(*file, at);
    const auto length = read_at<std::int32_t>(*file, at);
    if (!std::isfinite(score)) fail("{}: token {} has score {}: must be a number", file->path(), id, score);
    if (length < 0 || static_cast<std::size_t>(length) > file->bytes().size() - at)
      fail("{}: token {} has length {}: {} bytes are left", file->path(), id, length,
           file->bytes().size() - at);
    std::string text(file->text().substr(at, static_cast<std::size_t>(length)));
    at += text.size();
    scores.push_back(score);
    // Spaces are spaces here; merging works on SentencePiece's mark.
    std::string marked;
    for (const char c : text) marked += c == ' ' ? std::string("\xe2\x96\x81") : std::string(1, c);
    const TokenKind kind = id == 0                      ? TokenKind::unused
                           : id < 3                     ? TokenKind::special
                           : byte_of_token(marked) >= 0 ? TokenKind::byte
                                                        : TokenKind::normal;
    std::string bytes = sentencepiece_bytes(marked);
    if (kind == TokenKind::special) {  // stored as "\n<s>\n"
      const std::size_t first = marked.find('<');
      const std::size_t last = marked.rfind('>');
      if (first != std::string::npos && last != std::string::npos && first < last)
        marked = marked.substr(first, last - first + 1);
    }
    vocabulary.add(std::move(marked), std::move(bytes), kind);
  }
  if (vocabulary.size() < 3)
    fail("{}: has {} tokens: at least 3 are needed", file->path(), vocabulary.size());
  vocabulary.unknown = 0;
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  vocabulary.add_bos = vocabulary.space_prefix = true;
  vocabulary.find_ends();
  SpecialTokens special = SpecialTokens::of(vocabulary);
  return std::make_unique<TextBpeTokenizer>(std::move(vocabulary), std::move(special), std::move(scores),
                                            MergeTable(), TextBpeTokenizer::Preparation{});
}

}  // namespace burin::runtime
