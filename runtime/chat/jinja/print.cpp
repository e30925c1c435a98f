#include "runtime/chat/jinja/print.hpp"

#include <charconv>
#include <cmath>

#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

// Appends to one text, so that values that are shared many times over cannot blow up unnoticed.
class Printer {
 public:
  explicit Printer(Budget& budget) : budget_(budget) {}
  std::string take() { return std::move(text_); }

  void print(const Value& value) {
    budget_.spend(1);
    if (value.is_text())
      print_text(value.text());
    else if (value.is_none())
      append("None");
    else if (value.is_undefined())
      append("Undefined");
    else if (value.is_boolean())
      append(value.is_true() ? "True" : "False");
    else if (value.is_whole())
      append(std::to_string(value.whole()));
    else if (value.is_float())
      append(float_text(value.number()));
    else if (const Sequence* sequence = value.sequence())
      print_sequence(*sequence);
    else if (const Dictionary* dictionary = value.dictionary())
      print_dictionary(*dictionary);
    else
      fail("a value of type '{}' cannot be printed", value.type_name());
  }

 private:
  void append(std::string_view text) {
    text_ += text;
    budget_.read(text.size());
    if (text_.size() > budget_.limits().text_bytes) budget_.make(text_.size());
  }

  void print_text(const std::string& text) {
    budget_.make(text.size());
    budget_.spend(text.size() / 4);
    append(jinja::quoted(text));
  }

  void print_items(const Sequence& sequence) {
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
      if (i > 0) append(", ");
      print(sequence.items[i]);
    }
  }

  void print_sequence(const Sequence& sequence) {
    switch (sequence.kind) {
      case SequenceKind::list: append("["), print_items(sequence), append("]"); return;
      case SequenceKind::tuple:
        append("("), print_items(sequence), append(sequence.items.size() == 1 ? ",)" : ")");
        return;
      case SequenceKind::keys: append("dict_keys(["), print_items(sequence), append("])"); return;
      case SequenceKind::values: append("dict_values(["), print_items(sequence), append("])"); return;
      case SequenceKind::items: append("dict_items(["), print_items(sequence), append("])"); return;
      case SequenceKind::range: fail("a range cannot be printed: add |list");
      case SequenceKind::generator: fail("a generator cannot be printed: add |list or |join");
    }
  }

  void print_dictionary(const Dictionary& dictionary) {
    append("{");
    bool first = true;
    for (const auto& [key, item] : dictionary.items()) {
      if (!std::exchange(first, false)) append(", ");
      print(key);
      append(": ");
      print(item);
    }
    append("}");
  }

  Budget& budget_;
  std::string text_;
};

}  // namespace

std::string float_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  constexpr int kLargestPlain = 16, kSmallestPlain = -4;
  char shortest[64];
  const auto written =
      std::to_chars(shortest, shortest + sizeof(shortest), number, std::chars_format::scientific);
  const std::string scientific(shortest, written.ptr);
  const std::size_t e = scientific.find('e');
  const int exponent = std::atoi(scientific.c_str() + e + 1);
  if (exponent < kSmallestPlain || exponent >= kLargestPlain) return scientific;
  const auto plain = std::to_chars(shortest, shortest + sizeof(shortest), number, std::chars_format::fixed);
  const std::string text(shortest, plain.ptr);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

std::string to_text(const Value& value, Budget& budget) {
  if (value.is_text()) {
    budget.read(value.text().size());
    return value.text();
  }
  if (value.is_undefined()) return "";
  Printer printer(budget);
  printer.print(value);
  return printer.take();
}

}  // namespace burin::runtime::jinja
