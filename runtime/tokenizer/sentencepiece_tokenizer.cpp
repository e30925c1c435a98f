// Tokenizers from a SentencePiece model file, by libsentencepiece. It takes a text as one sentence and becomes slow
// with its length; so texts are cut into words where that changes nothing.
#include <sentencepiece_processor.h>

#include "jit/error.hpp"
#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/character_map.hpp"
#include "runtime/tokenizer/loaders.hpp"
#include "runtime/tokenizer/sentencepiece_settings.hpp"
#include "runtime/tokenizer/space_words.hpp"
#include "runtime/tokenizer/text_bpe_tokenizer.hpp"
#include "runtime/tokenizer/word_cache.hpp"

namespace burin::runtime {
namespace {

using sentencepiece::SentencePieceProcessor;

class SentencePieceTokenizer final : public VocabularyTokenizer {
 public:
  SentencePieceTokenizer(Vocabulary vocabulary, SpecialTokens special,
                         std::unique_ptr<SentencePieceProcessor> processor,
                         const SentencePieceSettings& settings)
      : VocabularyTokenizer(std::move(vocabulary), std::move(special)),
        processor_(std::move(processor)),
        settings_(settings) {
    for (const std::string& text : this->vocabulary().texts) words_.add_token(text);
  }

 protected:
  void encode_text(std::string_view text, bool /*after_special*/, std::vector<TokenId>& ids) const override {
    if (settings_.changes_text) return encode_part(text, ids);
    WordCache cache(ids);
    words_.each(text, [&](std::string_view word) {
      // The library puts a space in front of whatever it gets: the first word has none yet.
      if (word.data() == text.data())
        encode_part(word, ids);
      else
        cache.append(word, [&](std::string_view unknown) {
          encode_part(unknown.substr(settings_.adds_space ? 1 : 0), ids);
        });
    });
  }

 private:
  void encode_part(std::string_view text, std::vector<TokenId>& ids) const {
    std::vector<int> encoded;
    if (const auto status = processor_->Encode({text.data(), text.size()}, &encoded); !status.ok())
      fail("{}: text cannot be encoded: {}", vocabulary().path, status.ToString());
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }

  std::unique_ptr<SentencePieceProcessor> processor_;
  SentencePieceSettings settings_;
  SpaceWords words_;
};

TokenKind kind_of(const SentencePieceProcessor& processor, int id) {
  if (processor.IsControl(id)) return TokenKind::special;
  if (processor.IsUnknown(id) || processor.IsUnused(id)) return TokenKind::unused;
  if (processor.IsByte(id)) return TokenKind::byte;
  return TokenKind::normal;  // user-defined pieces too: the library matches them itself
}

// Whether the model puts a space in front: the normaliser shows it.
bool adds_prefix(const SentencePieceProcessor& processor) {
  std::vector<std::string> pieces;
  return processor.Encode("a", &pieces).ok() && !pieces.empty() &&
         sentencepiece_bytes(pieces[0]).starts_with(' ');
}

// The library does not catch what its double arrays throw, as for pieces with a zero byte.
std::unique_ptr<SentencePieceProcessor> load_processor(const MappedFile& file) {
  constexpr const char* kRefusal = "{}: is no SentencePiece model: {}";
  if (!read_settings(file.text()).is_whole) fail(kRefusal, file.path(), "a message in it is damaged");
  for (const std::string_view map : character_maps(file.text())) check_character_map(file.path(), map);
  auto processor = std::make_unique<SentencePieceProcessor>();
  try {
    const auto status = processor->LoadFromSerializedProto({file.text().data(), file.text().size()});
    if (!status.ok()) fail(kRefusal, file.path(), printable(status.ToString()));
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    fail(kRefusal, file.path(), printable(error.what(), 200));
  }
  return processor;
}

}  // namespace

std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& path,
                                              const FolderSettings& settings) {
  const std::unique_ptr<MappedFile> file = MappedFile::open(path);
  refuse_lfs_pointer(file->path(), file->text());
  std::unique_ptr<SentencePieceProcessor> processor = load_processor(*file);
  Vocabulary vocabulary;
  vocabulary.path = file->path();
  for (int id = 0; id < processor->GetPieceSize(); ++id) {
    const std::string& piece = processor->IdToPiece(id);
    vocabulary.add(piece, sentencepiece_bytes(piece), kind_of(*processor, id));
  }
  vocabulary.add_beyond(settings.added);
  vocabulary.bos = processor->bos_id();
  vocabulary.eos = processor->eos_id();
  vocabulary.unknown = processor->unk_id();
  vocabulary.add_bos = settings.add_bos.value_or(true);
  vocabulary.add_eos = settings.add_eos.value_or(false);
  vocabulary.space_prefix = adds_prefix(*processor);
  vocabulary.find_ends(settings.eos_ids);
  SpecialTokens special = SpecialTokens::of(vocabulary);
  return std::make_unique<SentencePieceTokenizer>(std::move(vocabulary), std::move(special),
                                                  std::move(processor), read_settings(file->text()));
}

}  // namespace burin::runtime
