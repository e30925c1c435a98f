#include "runtime/kv/sequence_file.hpp"

#include <algorithm>
#include <array>

#include "jit/error.hpp"
#include "runtime/files/hashed_file.hpp"
#include "runtime/kv/saved_sampling.hpp"
#include "runtime/kv/sequence_fields.hpp"
#include "runtime/kv/sequence_numbers.hpp"
#include "runtime/share.hpp"

namespace burin::runtime {
namespace {

constexpr std::string_view kMagic = "BURINSEQ";
// 1 was without sampling, 2 with fewer options of it, 3 with int8 keys and values in another order.
constexpr int kFormat = 4;
constexpr std::uint32_t kLongestHeader = 1 << 16;

std::size_t blocks_in_use(const KvCache::Ring& ring, std::int64_t position) {
  return static_cast<std::size_t>(
      round_up_quotient(ring.shape.end_of_slots(position), std::int64_t{kernels::kKvBlock}));
}

// What must be the same where the sequence is to go on.
SequenceFields identity(const std::string& path, const SequenceParts& parts) {
  std::string heads;
  kernels::write_field(heads, parts.plan.heads);
  std::string rings;
  for (const KvCache::Ring& ring : parts.kv.rings())
    rings += fmt::format("{}{} slots, {} bytes a block", rings.empty() ? "" : "; ", ring.shape.capacity,
                         ring.block_bytes);
  SequenceFields fields(path);
  fields.set("architecture", printable(parts.plan.architecture));
  fields.set("model", parts.model);
  fields.set("heads", heads);
  fields.set("context", parts.window.context());
  fields.set("keep", parts.window.rule().keep);
  fields.set("rings", rings);
  return fields;
}

SequenceFields header_of(const std::string& path, const SequenceParts& parts) {
  SequenceFields header = identity(path, parts);
  header.set("format", kFormat);
  header.set("position", parts.window.position());
  header.set("removed", parts.window.removed());
  header.set("forgotten", parts.forgotten);
  header.set("rotated_for", parts.rotated_for);
  header.set("sink_keys", parts.sinks.originals().size());
  header.set("sampling", parts.sampling ? 1 : 0);
  if (parts.sampling) set_sampling(header, *parts.sampling);
  return header;
}

SequenceFields read_header(HashedFileReader& file) {
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
  // The first format had JSON there.
  SequenceFields header =
      text.starts_with('{') ? SequenceFields(file.path()) : SequenceFields(file.path(), text);
  if (text.starts_with('{')) header.set("format", 1);
  if (header.value("format") != std::to_string(kFormat))
    fail("{}: format is {}, this Burin reads {}: save the sequence again with this version", file.path(),
         printable(header.value("format")), kFormat);
  return header;
}

void check_identity(const std::string& path, const SequenceFields& header, const SequenceParts& parts) {
  const SequenceFields own = identity(path, parts);
  for (const auto& [field, wanted] : own.values())
    if (header.value(field) != wanted)
      fail("{}: {} is {}, the session's is {}: restore it with the same model and options", path, field,
           printable(header.value(field)), wanted);
}

}  // namespace

void write_sequence(const std::string& path, const SequenceParts& parts) {
  HashedFileWriter file(path);
  const std::string header = header_of(path, parts).text();
  const std::array<std::uint32_t, 1> length = {static_cast<std::uint32_t>(header.size())};
  write_numbers(file, kMagic);
  write_numbers(file, length);
  write_numbers(file, header);
  std::vector<TokenId> tokens(static_cast<std::size_t>(parts.window.count()));
  parts.window.copy_to(tokens);
  write_numbers(file, tokens);
  if (parts.sampling) write_sampling(file, *parts.sampling);
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
  const SequenceFields header = read_header(file);
  check_identity(path, header, parts);
  const std::int64_t position = header.number("position", 0, kMostTokens);
  const std::int64_t fewest = std::max<std::int64_t>(0, position - parts.window.context());
  const std::int64_t removed =
      header.number("removed", fewest, std::max<std::int64_t>(0, position - parts.window.rule().keep));
  parts.forgotten = header.number("forgotten", 0, kMostTokens);
  parts.rotated_for = header.number("rotated_for", 0, parts.window.context());
  const std::vector<TokenId> tokens = read_tokens(file, "tokens", position - removed, parts.plan.vocabulary);
  parts.sampling.reset();
  if (header.number("sampling", 0, 1) == 1)
    parts.sampling = read_sampling(file, header, parts.plan.vocabulary);
  file.read(std::as_writable_bytes(parts.logits));
  const auto most_keys = static_cast<std::int64_t>(parts.sinks.size());
  std::vector<float> keys(static_cast<std::size_t>(header.number("sink_keys", 0, most_keys)));
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
