#include "runtime/kv/sequence_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "jit/error.hpp"
#include "runtime/files/hashed_file.hpp"
#include "runtime/share.hpp"

namespace burin::runtime {
namespace {

using nlohmann::json;

constexpr std::string_view kMagic = "BURINSEQ";
constexpr int kFormat = 2;  // 1 had no sampling
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
  return {{"architecture", parts.plan.architecture},
          {"model", parts.model},
          {"heads", heads},
          {"context", parts.window.context()},
          {"keep", parts.window.rule().keep},
          {"rings", std::move(rings)}};
}

json header_of(const SamplerState& sampling) {
  const SamplingOptions& options = sampling.options;
  return {{"temperature", options.temperature},
          {"top_k", options.top_k},
          {"top_p", options.top_p},
          {"min_p", options.min_p},
          {"repeat_penalty", options.repeat_penalty},
          {"repeat_last", options.repeat_last},
          {"seed", options.seed},
          {"random", sampling.random},
          {"recent", sampling.recent.size()}};
}

json header_of(const SequenceParts& parts) {
  json header = identity(parts);
  header["format"] = kFormat;
  header["position"] = parts.window.position();
  header["removed"] = parts.window.removed();
  header["forgotten"] = parts.forgotten;
  header["rotated_for"] = parts.rotated_for;
  header["sink_keys"] = parts.sinks.originals().size();
  header["sampling"] = parts.sampling ? header_of(*parts.sampling) : json();
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

void check_format(const std::string& path, const json& header) {
  const json format = header.value("format", json());
  if (format != kFormat)
    fail("{}: format is {}, this Burin reads {}: save the sequence again with this version", path,
         format.dump(), kFormat);
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

float fraction(const std::string& path, const json& header, const char* field) {
  const json value = header.value(field, json());
  if (!value.is_number()) fail("{}: {} is {}: must be a number", path, field, value.dump());
  return value.get<float>();
}

std::uint64_t bits(const std::string& path, const json& header, const char* field) {
  const json value = header.value(field, json());
  if (!value.is_number_unsigned()) fail("{}: {} is {}: must be 0 to 2^64 - 1", path, field, value.dump());
  return value.get<std::uint64_t>();
}

std::vector<TokenId> read_tokens(HashedFileReader& file, const char* what, std::int64_t count,
                                 std::int64_t vocabulary) {
  std::vector<TokenId> tokens(static_cast<std::size_t>(count));
  read_numbers(file, tokens);
  for (const TokenId token : tokens)
    if (token < 0 || token >= vocabulary)
      fail("{}: {} has {}: not in the vocabulary", file.path(), what, token);
  return tokens;
}

SamplingOptions sampling_options(const std::string& path, const json& header) {
  constexpr auto kMost = std::numeric_limits<int>::max();
  SamplingOptions options;
  options.temperature = fraction(path, header, "temperature");
  options.top_k = static_cast<int>(number(path, header, "top_k", 0, kMost));
  options.top_p = fraction(path, header, "top_p");
  options.min_p = fraction(path, header, "min_p");
  options.repeat_penalty = fraction(path, header, "repeat_penalty");
  options.repeat_last = static_cast<int>(number(path, header, "repeat_last", 0, kMost));
  options.seed = bits(path, header, "seed");
  try {
    validate(options);
  } catch (const Error& error) {
    fail("{}: sampling: {}", path, error.what());
  }
  return options;
}

std::optional<SamplerState> read_sampling(HashedFileReader& file, const json& header,
                                          std::int64_t vocabulary) {
  const json sampling = header.value("sampling", json());
  if (sampling.is_null()) return std::nullopt;
  if (!sampling.is_object()) fail("{}: sampling is {}: must be an object", file.path(), sampling.dump());
  SamplerState state;
  state.options = sampling_options(file.path(), sampling);
  state.random = bits(file.path(), sampling, "random");
  const std::int64_t recent = number(file.path(), sampling, "recent", 0, state.options.repeat_last);
  state.recent = read_tokens(file, "recent", recent, vocabulary);
  return state;
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
  const json header = read_header(file);
  check_format(path, header);
  check_identity(path, header, parts);
  const std::int64_t position = number(path, header, "position", 0, kMostTokens);
  const std::int64_t fewest = std::max<std::int64_t>(0, position - parts.window.context());
  const std::int64_t removed =
      number(path, header, "removed", fewest, std::max<std::int64_t>(0, position - parts.window.rule().keep));
  parts.forgotten = number(path, header, "forgotten", 0, kMostTokens);
  parts.rotated_for = number(path, header, "rotated_for", 0, parts.window.context());
  const std::vector<TokenId> tokens = read_tokens(file, "tokens", position - removed, parts.plan.vocabulary);
  parts.sampling = read_sampling(file, header, parts.plan.vocabulary);
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
