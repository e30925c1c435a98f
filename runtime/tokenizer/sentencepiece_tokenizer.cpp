// Tokenizers from a SentencePiece model file, by libsentencepiece; BPE without peculiarities by our own merges. The
// library takes a text as one sentence and becomes slow with its length; so texts are cut into words where that changes
// nothing, and equal words are encoded once.
#include <sentencepiece_processor.h>

#include <algorithm>

#include "jit/error.hpp"
#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/character_map.hpp"
#include "runtime/tokenizer/loaders.hpp"
#include "runtime/tokenizer/sentencepiece_settings.hpp"
#include "runtime/tokenizer/space_words.hpp"
#include "runtime/tokenizer/text_bpe_tokenizer.hpp"

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
    for (const std::string& bytes : this->vocabulary().bytes) words_.add_token(bytes);
  }

 protected:
  void encode_text(Part part, WordCache& cache) const override {
    std::string_view text = part.text;
    if (settings_.changes_text) return encode_plain(text, cache.ids());
    if (settings_.adds_space) text = cache.keep(" " + std::string(text));
    words_.each(text, [&](std::string_view word) {
      cache.append(word, [&](std::string_view unknown) { encode_plain(unknown, cache.ids()); });
    });
  }

 private:
  void encode_plain(std::string_view text, std::vector<TokenId>& ids) const {
    std::vector<int> encoded;
    if (const auto status = processor_->Encode({text.data(), text.size()}, &encoded); !status.ok())
      fail("{}: text cannot be encoded: {}", vocabulary().path, status.ToString());
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }

  std::unique_ptr<SentencePieceProcessor> processor_;
  SentencePieceSettings settings_;
  SpaceWords words_;
};

// A field that stands twice in a message of Protocol Buffers counts as the second says: normalizer_spec's
// add_dummy_prefix is false. Words get no space in front then, only whole texts do, from us.
constexpr std::string_view kNoPrefix("\x1a\x02\x18\x00", 4);

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
std::unique_ptr<SentencePieceProcessor> load_processor(const MappedFile& file,
                                                       const SentencePieceSettings& settings) {
  constexpr const char* kRefusal = "{}: is no SentencePiece model: {}";
  if (!settings.is_whole) fail(kRefusal, file.path(), "a message in it is damaged");
  for (const std::string_view map : character_maps(file.text())) check_character_map(file.path(), map);
  std::string model(file.text());
  if (!settings.changes_text) model += kNoPrefix;
  auto processor = std::make_unique<SentencePieceProcessor>();
  try {
    const auto status = processor->LoadFromSerializedProto(model);
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

// ChatGLM 2 and 3 have five tokens behind those of the file, named by the class that reads it; two of them begin all
// texts. Two are words that texts may have.
void add_chatglm_tokens(Vocabulary& vocabulary) {
  const auto first = static_cast<TokenId>(vocabulary.size());
  for (const char* name : {"[MASK]", "[gMASK]", "[sMASK]"}) vocabulary.add(name, name, TokenKind::special);
  for (const char* name : {"sop", "eop"}) vocabulary.add(name, name, TokenKind::unused);
  vocabulary.beginning = {first + 1, first + 3};
}

// Then no character is unknown, and none becomes one token with its neighbours.
bool has_all_bytes(const Vocabulary& vocabulary) {
  return std::count(vocabulary.kinds.begin(), vocabulary.kinds.end(), TokenKind::byte) == 256;
}

// The same merges are three times as fast by our own, and bytes that are no UTF-8 stay what they are.
std::unique_ptr<Tokenizer> make_plain_bpe(Vocabulary vocabulary, SpecialTokens special,
                                          const SentencePieceProcessor& processor,
                                          const std::vector<TokenId>& user_defined) {
  SpecialTokens fixed;
  for (const TokenId id : user_defined) fixed.add({processor.IdToPiece(id), id, true, false, false});
  std::vector<float> scores(vocabulary.size());  // tokens added beyond never merge
  for (int id = 0; id < processor.GetPieceSize(); ++id)
    scores[static_cast<std::size_t>(id)] = processor.GetScore(id);
  TextBpeTokenizer::Preparation preparation;
  if (!vocabulary.space_prefix) preparation.prefix = TextBpeTokenizer::Prefix::none;
  return std::make_unique<TextBpeTokenizer>(std::move(vocabulary), std::move(special), std::move(scores),
                                            MergeTable(), std::move(preparation), std::move(fixed));
}

}  // namespace

std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& path,
                                              const FolderSettings& settings) {
  const std::unique_ptr<MappedFile> file = MappedFile::open(path);
  refuse_lfs_pointer(file->path(), file->text());
  const SentencePieceSettings text_settings = read_settings(file->text());
  std::unique_ptr<SentencePieceProcessor> processor = load_processor(*file, text_settings);
  Vocabulary vocabulary;
  vocabulary.path = file->path();
  for (int id = 0; id < processor->GetPieceSize(); ++id) {
    const std::string& piece = processor->IdToPiece(id);
    vocabulary.add(piece, sentencepiece_bytes(piece), kind_of(*processor, id));
  }
  if (settings.tokenizer_class.starts_with("ChatGLM")) add_chatglm_tokens(vocabulary);
  vocabulary.add_beyond(settings.added);
  vocabulary.bos = vocabulary.beginning.empty() ? processor->bos_id() : vocabulary.beginning.front();
  vocabulary.eos = processor->eos_id();
  vocabulary.unknown = processor->unk_id();
  vocabulary.add_bos = settings.add_bos.value_or(true);
  vocabulary.add_eos = settings.add_eos.value_or(false);
  vocabulary.space_prefix = text_settings.changes_text ? adds_prefix(*processor) : text_settings.adds_space;
  vocabulary.find_ends(settings.eos_ids);
  SpecialTokens special = SpecialTokens::of(vocabulary);
  if (text_settings.plain_bpe && has_all_bytes(vocabulary))
    return make_plain_bpe(std::move(vocabulary), std::move(special), *processor, text_settings.user_defined);
  return std::make_unique<SentencePieceTokenizer>(std::move(vocabulary), std::move(special),
                                                  std::move(processor), text_settings);
}

}  // namespace burin::runtime
