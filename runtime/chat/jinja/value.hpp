// What expressions of a template evaluate to: Python's values, as far as templates see them.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/chat/jinja/limits.hpp"

namespace burin::runtime::jinja {

class Callable;
class Dictionary;
class Value;
struct LoopState;
struct Namespace;
struct Sequence;

// A name or attribute that is not there. Prints as nothing; most other uses raise `complaint`.
struct Undefined {
  std::shared_ptr<const std::string> complaint;
};

enum class SequenceKind : std::uint8_t { list, tuple, range, generator, keys, values, items };

// Copying is cheap: texts and containers are shared. Containers do not change once they are made (templates of
// the sandbox cannot change them), but for namespaces.
class Value {
 public:
  using Text = std::shared_ptr<const std::string>;
  using Storage =
      std::variant<std::monostate, Undefined, bool, std::int64_t, double, Text,
                   std::shared_ptr<const Sequence>, std::shared_ptr<const Dictionary>,
                   std::shared_ptr<Namespace>, std::shared_ptr<LoopState>, std::shared_ptr<const Callable>>;

  Value() = default;  // none
  explicit Value(bool value) : storage_(value) {}
  explicit Value(std::int64_t value) : storage_(value) {}
  explicit Value(double value) : storage_(value) {}
  explicit Value(std::string_view text) : Value(std::string(text)) {}
  explicit Value(const char* text) : Value(std::string(text)) {}
  explicit Value(std::string text) : storage_(std::make_shared<const std::string>(std::move(text))) {}
  explicit Value(std::shared_ptr<const Sequence> value) : storage_(std::move(value)) {}
  explicit Value(std::shared_ptr<const Dictionary> value) : storage_(std::move(value)) {}
  explicit Value(std::shared_ptr<Namespace> value) : storage_(std::move(value)) {}
  explicit Value(std::shared_ptr<LoopState> value) : storage_(std::move(value)) {}
  explicit Value(std::shared_ptr<const Callable> value) : storage_(std::move(value)) {}
  static Value undefined(std::string complaint);

  bool is_none() const { return std::holds_alternative<std::monostate>(storage_); }
  bool is_undefined() const { return std::holds_alternative<Undefined>(storage_); }
  bool is_boolean() const { return std::holds_alternative<bool>(storage_); }
  bool is_float() const { return std::holds_alternative<double>(storage_); }
  bool is_text() const { return std::holds_alternative<Text>(storage_); }
  // As in Python, a boolean is a whole number.
  bool is_whole() const { return is_boolean() || std::holds_alternative<std::int64_t>(storage_); }
  bool is_number() const { return is_whole() || is_float(); }

  // To be asked for where the value is of that kind only; pointers are null where it is not.
  const std::string& text() const { return *std::get<Text>(storage_); }
  std::int64_t whole() const {
    return is_boolean() ? std::int64_t{std::get<bool>(storage_)} : std::get<std::int64_t>(storage_);
  }
  double number() const { return is_float() ? std::get<double>(storage_) : static_cast<double>(whole()); }
  const Undefined& undefined() const { return std::get<Undefined>(storage_); }
  const Sequence* sequence() const { return pointer<const Sequence>(); }
  const Dictionary* dictionary() const { return pointer<const Dictionary>(); }
  Namespace* name_space() const { return pointer<Namespace>(); }
  LoopState* loop() const { return pointer<LoopState>(); }
  const Callable* callable() const { return pointer<const Callable>(); }

  // As Python says it in messages: 'str', 'int', 'list', ...
  std::string_view type_name() const;
  bool is_true() const;
  // How deep containers are nested in it: 0 where it is none.
  int depth() const;
  // Whether it is or holds what can change or lives as long as a scope only (namespaces, loops, macros). Such
  // values are not stored in namespaces, so that nothing ever holds itself.
  bool holds_reference() const;
  // Whether two values are the same object, or equal and of a kind that has no parts.
  bool same_object(const Value& other) const;

 private:
  template <typename Kind>
  Kind* pointer() const {
    const auto* held = std::get_if<std::shared_ptr<Kind>>(&storage_);
    return held == nullptr ? nullptr : held->get();
  }

  Storage storage_;
};

struct Sequence {
  SequenceKind kind = SequenceKind::list;
  std::vector<Value> items;
  int depth = 1;
  bool holds_reference = false;
  mutable bool used = false;  // generators give their items once
};

// Keeps the order in which keys came.
class Dictionary {
 public:
  using Item = std::pair<Value, Value>;

  // Replaces the value of a key that is there. Throws burin::Error for a key that Python cannot hash.
  void set(Value key, Value value);
  const Value* find(const Value& key) const;
  const Value* find(std::string_view text) const;
  const std::vector<Item>& items() const { return items_; }
  int depth() const { return depth_; }
  bool holds_reference() const { return holds_reference_; }

 private:
  std::vector<Item> items_;
  std::unordered_map<std::string, std::size_t> index_;  // by hash_key()
  int depth_ = 1;
  bool holds_reference_ = false;
};

struct Namespace {
  std::unordered_map<std::string, Value> attributes;
};

// The `loop` of a for statement.
struct LoopState {
  std::vector<Value> items;
  std::size_t index = 0;
  int depth = 1;
  Value changed = Value::undefined("");  // what loop.changed() was given last
};

// These throw burin::Error where containers are nested too deeply.
Value make_sequence(SequenceKind kind, std::vector<Value> items, Budget& budget);
Value make_dictionary(std::shared_ptr<Dictionary> dictionary, Budget& budget);
// Throws burin::Error for numbers of more than 63 bits. Bytes that are no UTF-8 stay.
Value from_json(const nlohmann::ordered_json& json, Budget& budget);

// Equal texts for keys that Python takes for equal (1, 1.0 and true are); throws burin::Error for values that
// cannot be keys.
std::string hash_key(const Value& key);

// Python's == and <. The latter throws burin::Error for kinds that have no order.
bool equal(const Value& a, const Value& b, Budget& budget);
bool less(const Value& a, const Value& b, Budget& budget);
// `needle in container`.
bool contains(const Value& container, const Value& needle, Budget& budget);

// What iterating over it gives: elements, characters, keys. Throws burin::Error for other kinds.
std::vector<Value> iterate(const Value& value, Budget& budget);
// len(); throws burin::Error where there is none.
std::size_t length(const Value& value, Budget& budget);

// Throws burin::Error with the complaint.
[[noreturn]] void raise_undefined(const Value& value);
// Throws for undefined values only.
void require_defined(const Value& value);

}  // namespace burin::runtime::jinja
