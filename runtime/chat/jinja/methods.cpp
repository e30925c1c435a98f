#include "runtime/chat/jinja/methods.hpp"

#include <algorithm>
#include <iterator>

namespace burin::runtime::jinja {
namespace {

class Method : public Callable {
 public:
  Method(Value receiver, Filter run) : receiver_(std::move(receiver)), run_(run) {}
  Value call(Context& context, const Arguments& arguments) const override {
    return run_(context, receiver_, arguments);
  }

 private:
  Value receiver_;
  Filter run_;
};

// Methods that change their object: Hugging Face's sandbox refuses them as well.
constexpr std::string_view kChanging[] = {"append", "clear",   "extend", "insert",     "pop",   "popitem",
                                          "remove", "reverse", "sort",   "setdefault", "update"};
// Python has them for texts.
constexpr std::string_view kOtherTextMethods[] = {
    "casefold",    "center",     "encode",   "expandtabs", "format",       "format_map", "index",
    "isalnum",     "isalpha",    "isascii",  "isdecimal",  "isidentifier", "islower",    "isnumeric",
    "isprintable", "istitle",    "isupper",  "ljust",      "maketrans",    "partition",  "rindex",
    "rjust",       "rpartition", "swapcase", "translate",  "zfill"};

Value defined_by(std::span<const MethodRow> rows, const Value& receiver, std::string_view name) {
  for (const MethodRow& row : rows)
    if (row.name == name)
      return Value(std::shared_ptr<const Callable>(std::make_shared<Method>(receiver, row.run)));
  return {};
}

template <std::size_t N>
bool is_in(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

void refuse_changes(const Value& receiver, std::string_view name) {
  if (is_in(kChanging, name))
    fail("'{}' would change a {}: templates may not: make a new one", name, receiver.type_name());
}

}  // namespace

Value find_method(const Value& receiver, std::string_view name) {
  if (receiver.is_text()) {
    if (is_in(kOtherTextMethods, name)) fail("the method '{}' of texts is not supported", name);
    return defined_by(text_methods(), receiver, name);
  }
  if (receiver.dictionary() != nullptr) {
    const bool changes = name != "append" && name != "extend" && name != "insert" && name != "remove" &&
                         name != "reverse" && name != "sort";
    if (changes) refuse_changes(receiver, name);
    return defined_by(dictionary_methods(), receiver, name);
  }
  if (const Sequence* sequence = receiver.sequence()) {
    if (sequence->kind == SequenceKind::list) refuse_changes(receiver, name);
    return defined_by(sequence_methods(), receiver, name);
  }
  if (receiver.loop() != nullptr) return defined_by(loop_methods(), receiver, name);
  return {};
}

}  // namespace burin::runtime::jinja
