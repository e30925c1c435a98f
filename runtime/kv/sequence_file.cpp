#include "runtime/kv/sequence_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "jit/error.hpp"
#include "runtime/files/hashed_file.hpp"
#include "runtime/kv/sequence_fields.hpp"
#include "runtime/share.hpp"

namespace burin::runtime {
namespace {

constexpr std::string_view kMagic = "BURINSEQ";
constexpr int kFormat = 2;  // 1 was without sampling
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

void set_sampling(SequenceFields& fields, const SamplerState& sampling) {
  const SamplingOptions& options = sampling.options;
  fields.set("temperature", options.temperature);
  fields.set("top_k", options.top_k);
  fields.set("top_p", options.top_p);
  fields.set("min_p", options.min_p);
  fields.set("repeat_penalty", options.repeat_penalty);
  fields.set("repeat_last", options.repeat_last);
  fields.set("seed", options.seed);
  fields.set("random", sampling.random);
  fields.set("recent", sampling.recent.size());
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

template <typename Numbers>
void write_numbers(HashedFileWriter& file, const Numbers& numbers) {
  file.write(std::as_bytes(std::span(numbers)));
}
template <typename Numbers>
void read_numbers(HashedFileReader& file, Numbers& numbers) {
  file.read(std::as_writable_bytes(std::span(numbers)));
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

std::vector<TokenId> read_tokens(HashedFileReader& file, const char* what, std::int64_t count,
                                 std::int64_t vocabulary) {
  if (static_cast<std::uint64_t>(count) > file.left() / sizeof(TokenId))
    fail("{}: has {} {}, more than the file is long: it is damaged", file.path(), count, what);
  std::vector<TokenId> tokens(static_cast<std::size_t>(count));
  read_numbers(file, tokens);
  for (const TokenId token : tokens)
    if (token < 0 || token >= vocabulary)
      fail("{}: {} have {}: not in the vocabulary", file.path(), what, token);
  return tokens;
}

SamplingOptions sampling_options(const std::string& path, const SequenceFields& header) {
  constexpr auto kMost = std::numeric_limits<int>::max();
  SamplingOptions options;
  options.temperature = header.fraction("temperature");
  options.top_k = static_cast<int>(header.number("top_k", 0, kMost));
  options.top_p = header.fraction("top_p");
  options.min_p = header.fraction("min_p");
  options.repeat_penalty = header.fraction("repeat_penalty");
  options.repeat_last = static_cast<int>(header.number("repeat_last", 0, kMost));
  options.seed = header.bits("seed");
  try {
    validate(options);
  } catch (const Error& error) {
    fail("{}: sampling: {}", path, error.what());
  }
  return options;
}

std::optional<SamplerState> read_sampling(HashedFileReader& file, const SequenceFields& header,
                                          std::int64_t vocabulary) {
  if (header.number("sampling", 0, 1) == 0) return std::nullopt;
  SamplerState state;
  state.options = sampling_options(file.path(), header);
  state.random = header.bits("random");
  state.recent =
      read_tokens(file, "recent tokens", header.number("recent", 0, state.options.repeat_last), vocabulary);
  return state;
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
  if (parts.sampling) write_numbers(file, parts.sampling->recent);
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
