#include "runtime/kv/sequence_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

#include "jit/error.hpp"
#include "runtime/files/hashed_file.hpp"
#include "runtime/share.hpp"

namespace burin::runtime {
namespace {

using nlohmann::json;

constexpr std::string_view kMagic = "BURINSEQ";
constexpr int kFormat = 1;
constexpr std::uint32_t kLongestHeader = 1 << 16;

std::size_t blocks_in_use(const KvCache::Ring& ring, std::int64_t position) {
  return static_cast<std::size_t>(
      round_up_quotient(ring.shape.end_of_slots(position), std::int64_t{kernels::kKvBlock}));
}

// What must be the same where the sequence is to go on.
json identity(const SequenceParts& parts) {
  std::string heads;
  kernels::write_field(heads, parts.plan.heads);
  json rings = json::array();
  for (const KvCache::Ring& ring : parts.kv.rings())
    rings.push_back({{"slots", ring.shape.capacity}, {"block_bytes", ring.block_bytes}});
  return {{"format", kFormat},
          {"architecture", parts.plan.architecture},
          {"model", parts.model},
          {"heads", heads},
          {"context", parts.window.context()},
          {"keep", parts.window.rule().keep},
          {"rings", std::move(rings)}};
}

json header_of(const SequenceParts& parts) {
  json header = identity(parts);
  header["position"] = parts.window.position();
  header["removed"] = parts.window.removed();
  header["forgotten"] = parts.forgotten;
  header["rotated_for"] = parts.rotated_for;
  header["sink_keys"] = parts.sinks.originals().size();
  return header;
}

template <typename Numbers>
void write_numbers(HashedFileWriter& file, const Numbers& numbers) {
  file.write(std::as_bytes(std::span(numbers)));
}
template <typename Numbers>
void read_numbers(HashedFileReader& file, Numbers& numbers) {
  file.read(std::as_writable_bytes(std::span(numbers)));
}

json read_header(HashedFileReader& file) {
  std::array<char, kMagic.size()> magic{};
  std::array<std::uint32_t, 1> length{};
  if (file.left() < magic.size() + sizeof(length))
    fail("{}: is no saved sequence: it is too short", file.path());
  read_numbers(file, magic);
  if (std::string_view(magic.data(), magic.size()) != kMagic)
    fail("{}: is no saved sequence: it does not begin with {}", file.path(), kMagic);
  read_numbers(file, length);
  if (length[0] > kLongestHeader)
    fail("{}: header length is {}: more than {}", file.path(), length[0], kLongestHeader);
  std::string text(length[0], ' ');
  read_numbers(file, text);
  json header = json::parse(text, nullptr, false);
  if (!header.is_object()) fail("{}: header is no JSON object: the file is damaged", file.path());
  return header;
}

void check_identity(const std::string& path, const json& header, const SequenceParts& parts) {
  const json own = identity(parts);
  for (const auto& [field, wanted] : own.items())
    if (!header.contains(field) || header[field] != wanted)
      fail("{}: {} is {}, the session's is {}: restore it with the same model and options", path, field,
           header.contains(field) ? header[field].dump() : "missing", wanted.dump());
}

std::int64_t number(const std::string& path, const json& header, const char* field, std::int64_t least,
                    std::int64_t most) {
  const json value = header.value(field, json());
  if (!value.is_number_integer() || value < least || value > most)
    fail("{}: {} is {}: must be {} to {}", path, field, value.dump(), least, most);
  return value.get<std::int64_t>();
}

}  // namespace

void write_sequence(const std::string& path, const SequenceParts& parts) {
  HashedFileWriter file(path);
  const std::string header = header_of(parts).dump();
  const std::array<std::uint32_t, 1> length = {static_cast<std::uint32_t>(header.size())};
  write_numbers(file, kMagic);
  write_numbers(file, length);
  write_numbers(file, header);
  std::vector<TokenId> tokens(static_cast<std::size_t>(parts.window.count()));
  parts.window.copy_to(tokens);
  write_numbers(file, tokens);
  write_numbers(file, parts.logits);
  write_numbers(file, parts.sinks.originals());
  for (const KvCache::Ring& ring : parts.kv.rings())
    for (std::size_t block = 0; block < blocks_in_use(ring, parts.window.position()); ++block)
      file.write({ring.table[block], ring.block_bytes});
  file.commit();
}

void read_sequence(const std::string& path, const SequenceParts& parts) {
  constexpr std::int64_t kMostTokens = std::int64_t{1} << 52;  // positions are exact in float64
  HashedFileReader file(path);
  const json header = read_header(file);
  check_identity(path, header, parts);
  const std::int64_t position = number(path, header, "position", 0, kMostTokens);
  const std::int64_t fewest = std::max<std::int64_t>(0, position - parts.window.context());
  const std::int64_t removed =
      number(path, header, "removed", fewest, std::max<std::int64_t>(0, position - parts.window.rule().keep));
  parts.forgotten = number(path, header, "forgotten", 0, kMostTokens);
  parts.rotated_for = number(path, header, "rotated_for", 0, parts.window.context());
  std::vector<TokenId> tokens(static_cast<std::size_t>(position - removed));
  read_numbers(file, tokens);
  for (const TokenId token : tokens)
    if (token < 0 || token >= parts.plan.vocabulary)
      fail("{}: tokens has {}: not in the vocabulary", path, token);
  file.read(std::as_writable_bytes(parts.logits));
  const auto most_keys = static_cast<std::int64_t>(parts.sinks.size());
  std::vector<float> keys(static_cast<std::size_t>(number(path, header, "sink_keys", 0, most_keys)));
  if (!keys.empty() && keys.size() != parts.sinks.size())
    fail("{}: sink_keys is {}: must be 0 or {}", path, keys.size(), most_keys);
  read_numbers(file, keys);
  for (std::size_t ring = 0; ring < parts.kv.rings().size(); ++ring)
    for (std::size_t block = 0; block < blocks_in_use(parts.kv.rings()[ring], position); ++block)
      file.read(parts.kv.fill(ring, block));
  file.check_end();
  parts.window.restore(position, removed, tokens);
  parts.sinks.set_originals(keys);
}

}  // namespace burin::runtime
