// The header of a sequence's file: a line "name value" for each field, in the order of their names.
//
// Not JSON, as nlohmann's destructor takes memory, and ends the process where that is refused.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace burin::runtime {

// Not thread-safe.
class SequenceFields {
 public:
  // Without fields; `path` is what errors begin with.
  explicit SequenceFields(std::string path) : path_(std::move(path)) {}
  // Those of a header. Throws burin::Error for text that none was written as.
  SequenceFields(std::string path, std::string_view text);

  template <typename Value>
  void set(std::string_view name, const Value& value) {
    values_.insert_or_assign(std::string(name), fmt::format("{}", value));
  }
  std::string text() const;
  const std::map<std::string, std::string, std::less<>>& values() const { return values_; }
  bool has(std::string_view name) const { return values_.contains(name); }

  // All throw burin::Error, naming file, field and value, for what is missing, no number or out of range.
  const std::string& value(std::string_view name) const;
  std::int64_t number(std::string_view name, std::int64_t least, std::int64_t most) const;
  std::uint64_t bits(std::string_view name) const;
  float fraction(std::string_view name) const;  // any, NaN too

 private:
  std::string path_;
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace burin::runtime
