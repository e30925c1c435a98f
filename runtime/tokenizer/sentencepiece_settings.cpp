#include "runtime/tokenizer/sentencepiece_settings.hpp"

#include <optional>

namespace burin::runtime {
namespace {

// Fields of ModelProto, TrainerSpec and NormalizerSpec.
constexpr std::uint64_t kPiece = 1, kTrainerSpec = 2, kNormalizerSpec = 3, kSelfTest = 4,
                        kDenormalizerSpec = 5;
constexpr std::uint64_t kPieceType = 3, kNormal = 1, kUserDefined = 4, kUnused = 5;
constexpr std::uint64_t kModelType = 3, kBpe = 2, kSpaceAsSuffix = 24;
constexpr std::uint64_t kCharacterMap = 2, kAddDummyPrefix = 3, kRemoveExtraSpaces = 4, kEscapeSpaces = 5;

// A field is a number, or bytes.
struct Field {
  std::uint64_t id = 0;
  std::uint64_t number = 0;
  std::string_view bytes;
};

class MessageReader {
 public:
  explicit MessageReader(std::string_view message) : rest_(message) {}

  bool failed() const { return failed_; }

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const auto tag = static_cast<std::uint32_t>(read_varint());  // the library drops higher bits too
    Field field = {tag >> 3, 0, {}};
    switch (tag & 7) {
      case 0: field.number = read_varint(); break;
      case 1: field.bytes = read_bytes(8); break;
      case 2: field.bytes = read_bytes(read_varint()); break;
      case 5: field.bytes = read_bytes(4); break;
      default: failed_ = true;
    }
    if (failed_) return std::nullopt;
    return field;
  }

 private:
  std::uint64_t read_varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }

  std::string_view read_bytes(std::uint64_t count) {
    if (count > rest_.size()) failed_ = true;
    const std::string_view bytes = rest_.substr(0, failed_ ? 0 : static_cast<std::size_t>(count));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

  std::string_view rest_;
  bool failed_ = false;
};

void read_normalizer(MessageReader& reader, SentencePieceSettings& settings) {
  bool removes = true;  // as the proto's defaults are
  bool escapes = true;
  while (const std::optional<Field> field = reader.next()) {
    if (field->id == kCharacterMap && !field->bytes.empty()) settings.changes_text = true;
    if (field->id == kAddDummyPrefix) settings.adds_space = field->number != 0;
    if (field->id == kRemoveExtraSpaces) removes = field->number != 0;
    if (field->id == kEscapeSpaces) escapes = field->number != 0;
  }
  settings.changes_text |= removes || !escapes;
}

void read_trainer(MessageReader& reader, SentencePieceSettings& settings) {
  while (const std::optional<Field> field = reader.next()) {
    if (field->id == kModelType) settings.plain_bpe = field->number == kBpe;
    if (field->id == kSpaceAsSuffix && field->number != 0) settings.changes_text = true;
  }
}

std::uint64_t type_of_piece(MessageReader& reader) {
  std::uint64_t type = kNormal;
  while (const std::optional<Field> field = reader.next())
    if (field->id == kPieceType) type = field->number;
  return type;
}

}  // namespace

SentencePieceSettings read_settings(std::string_view model) {
  SentencePieceSettings settings;
  bool normalizer = false;
  bool unused = false;
  std::int32_t id = 0;
  MessageReader reader(model);
  while (const std::optional<Field> field = reader.next()) {
    MessageReader inner(field->bytes);
    switch (field->id) {
      case kPiece: {
        const std::uint64_t type = type_of_piece(inner);
        if (type == kUserDefined) settings.user_defined.push_back(id);
        unused |= type == kUnused;
        ++id;
        break;
      }
      // The library tries those texts when it loads a model, and wants all settings as they were.
      case kSelfTest: settings.changes_text |= !field->bytes.empty(); break;
      case kTrainerSpec: read_trainer(inner, settings); break;
      case kNormalizerSpec: read_normalizer(inner, settings); break;
      case kDenormalizerSpec:
        while (inner.next()) continue;
        break;
      default: break;
    }
    normalizer |= field->id == kNormalizerSpec;
    settings.is_whole &= !inner.failed();
  }
  settings.is_whole &= !reader.failed();
  settings.changes_text |= !settings.is_whole || !normalizer;
  settings.plain_bpe &= !unused && !settings.changes_text;
  return settings;
}

std::vector<std::string_view> character_maps(std::string_view model) {
  std::vector<std::string_view> maps;
  MessageReader reader(model);
  while (const std::optional<Field> spec = reader.next()) {
    if (spec->id != kNormalizerSpec && spec->id != kDenormalizerSpec) continue;
    MessageReader inner(spec->bytes);
    while (const std::optional<Field> field = inner.next())
      if (field->id == kCharacterMap && !field->bytes.empty()) maps.push_back(field->bytes);
  }
  return maps;
}

}  // namespace burin::runtime
