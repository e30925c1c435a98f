#include "jit/error.hpp"
#include "runtime/chat/jinja/parser.hpp"

namespace burin::runtime::jinja {
namespace {

std::string shown(const Token& token) {
  switch (token.kind) {
    case TokenKind::end: return "the end of the template";
    case TokenKind::data: return "text";
    case TokenKind::begin_tag: return "'{%'";
    case TokenKind::end_tag: return "'%}'";
    case TokenKind::begin_print: return "'{{'";
    case TokenKind::end_print: return "'}}'";
    case TokenKind::text: return fmt::format("the text '{}'", printable(token.text));
    default: return fmt::format("'{}'", printable(token.text));
  }
}

}  // namespace

Token TokenStream::take() {
  Token token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool TokenStream::skip_operation(std::string_view text) {
  if (!is_operation(text)) return false;
  take();
  return true;
}

bool TokenStream::skip_name(std::string_view text) {
  if (!is_name(text)) return false;
  take();
  return true;
}

void TokenStream::expect_operation(std::string_view text) {
  if (!skip_operation(text)) unexpected(fmt::format("'{}'", text));
}

void TokenStream::expect_name(std::string_view text) {
  if (!skip_name(text)) unexpected(fmt::format("'{}'", text));
}

void TokenStream::expect(TokenKind kind, std::string_view what) {
  if (current().kind != kind) unexpected(what);
  take();
}

std::string TokenStream::take_name(std::string_view what) {
  if (current().kind != TokenKind::name) unexpected(what);
  return take().text;
}

void TokenStream::unexpected(std::string_view what) const {
  refuse(current().at, fmt::format("{} is expected, not {}", what, shown(current())));
}

Descent::Descent(TokenStream& tokens, int& depth, int deepest) : depth_(depth) {
  if (depth >= deepest)
    tokens.refuse(tokens.current().at, fmt::format("nested deeper than {}: refused", deepest));
  ++depth_;
}

}  // namespace burin::runtime::jinja
