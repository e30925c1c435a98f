#include "runtime/tokenizer/character_map.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

constexpr std::uint32_t kLabels = 256;
constexpr int kMostMatches = 32;      // the library's room for keys that begin a text
constexpr int kLongestKey = 1 << 10;  // bytes; published tables have a few characters

// One word of the double array: the label by which it is reached, where its children are, whether a key ends with it.
class Unit {
 public:
  explicit Unit(std::uint32_t bits) : bits_(bits) {}

  bool has_label(std::uint32_t label) const { return (bits_ & (kIsValue | 0xff)) == label; }
  bool ends_key() const { return (bits_ & kEndsKey) != 0; }
  std::uint32_t offset() const { return bits_ >> 10 << ((bits_ & kIsFar) >> 6); }
  std::uint32_t value() const { return bits_ & ~kIsValue; }

 private:
  static constexpr std::uint32_t kIsValue = 1u << 31, kIsFar = 1 << 9, kEndsKey = 1 << 8;
  std::uint32_t bits_;
};

// Goes to every unit that some text leads to, once, though several may lead to the same.
class CharacterMapCheck {
 public:
  CharacterMapCheck(const std::string& path, std::string_view map) : path_(path) {
    std::uint32_t bytes = 0;
    if (map.size() < sizeof(bytes)) refuse("is cut off");
    std::memcpy(&bytes, map.data(), sizeof(bytes));
    map.remove_prefix(sizeof(bytes));
    if (bytes >= map.size() || bytes % sizeof(std::uint32_t) != 0 || bytes == 0)
      refuse(fmt::format("has a table of {} bytes: {} are left", bytes, map.size()));
    units_.resize(bytes / sizeof(std::uint32_t));
    std::memcpy(units_.data(), map.data(), bytes);
    replacements_ = map.substr(bytes);
    if (replacements_.back() != '\0') refuse("has a replacement without an end");
    matches_.assign(units_.size(), kUnknown);
  }

  void run() {
    if (matches_below(children_of(0), 0) > kMostMatches)
      refuse(fmt::format("has more than {} keys of one beginning", kMostMatches));
  }

 private:
  static constexpr int kUnknown = -1, kBegun = -2;

  Unit unit(std::uint32_t index) const { return Unit(units_[index]); }

  // Where the children would be without their labels; all places that labels lead to are in the table.
  std::uint32_t children_of(std::uint32_t index) const {
    const std::uint32_t children = index ^ unit(index).offset();
    if ((children | (kLabels - 1)) >= units_.size())
      refuse(fmt::format("has a unit that leads to {} of {}", children, units_.size()));
    return children;
  }

  // The most keys that end on one way from here.
  int matches_below(std::uint32_t children, int depth) {
    if (depth > kLongestKey) refuse(fmt::format("has a key of more than {} bytes", kLongestKey));
    int most = 0;
    for (std::uint32_t label = 0; label < kLabels; ++label)
      if (const std::uint32_t child = children ^ label; unit(child).has_label(label))
        most = std::max(most, matches_from(child, depth + 1));
    return most;
  }

  int matches_from(std::uint32_t index, int depth) {
    if (matches_[index] == kBegun) refuse("has units that lead to themselves");
    if (matches_[index] != kUnknown) return matches_[index];
    matches_[index] = kBegun;
    const std::uint32_t children = children_of(index);
    if (unit(index).ends_key() && unit(children).value() >= replacements_.size())
      refuse(fmt::format("has a replacement at {}: there are {} bytes", unit(children).value(),
                         replacements_.size()));
    const int matches = matches_below(children, depth) + (unit(index).ends_key() ? 1 : 0);
    return matches_[index] = matches;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    fail("{}: precompiled_charsmap {}: the model is damaged", path_, why);
  }

  const std::string& path_;
  std::vector<std::uint32_t> units_;
  std::string_view replacements_;
  std::vector<int> matches_;  // by unit
};

}  // namespace

void check_character_map(const std::string& path, std::string_view map) {
  CharacterMapCheck(path, map).run();
}

}  // namespace burin::runtime
