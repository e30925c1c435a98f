#include "runtime/kv/sequence_fields.hpp"

#include <charconv>
#include <optional>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

// Of the whole text, in decimal digits.
template <typename Number>
std::optional<Number> parsed(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

SequenceFields::SequenceFields(std::string path, std::string_view text) : path_(std::move(path)) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t space = line.find(' ');
    if (end == text.npos || space == line.npos ||
        !values_.emplace(line.substr(0, space), line.substr(space + 1)).second)
      fail("{}: header has the line '{}': the file is damaged", path_, printable(line));
    text.remove_prefix(end + 1);
  }
}

std::string SequenceFields::text() const {
  std::string text;
  for (const auto& [name, value] : values_) text += name + " " + value + "\n";
  return text;
}

const std::string& SequenceFields::value(std::string_view name) const {
  const auto field = values_.find(name);
  if (field == values_.end()) fail("{}: {} is missing: the file is damaged", path_, name);
  return field->second;
}

std::int64_t SequenceFields::number(std::string_view name, std::int64_t least, std::int64_t most) const {
  const auto number = parsed<std::int64_t>(value(name));
  if (!number || *number < least || *number > most)
    fail("{}: {} is {}: must be {} to {}", path_, name, printable(value(name)), least, most);
  return *number;
}

std::uint64_t SequenceFields::bits(std::string_view name) const {
  const auto number = parsed<std::uint64_t>(value(name));
  if (!number) fail("{}: {} is {}: must be 0 to 2^64 - 1", path_, name, printable(value(name)));
  return *number;
}

float SequenceFields::fraction(std::string_view name) const {
  const auto number = parsed<float>(value(name));
  if (!number) fail("{}: {} is {}: must be a number", path_, name, printable(value(name)));
  return *number;
}

}  // namespace burin::runtime
