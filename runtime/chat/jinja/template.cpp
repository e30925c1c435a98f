#include "runtime/chat/jinja/template.hpp"

#include <ctime>

#include "runtime/chat/jinja/evaluator.hpp"
#include "runtime/chat/jinja/syntax.hpp"

namespace burin::runtime::jinja {

struct Template::Tree {
  Body body;
};

Template::Template(std::string name, std::string_view source, const Limits& limits)
    : name_(std::move(name)), tree_(std::make_unique<const Tree>(Tree{parse(name_, source, limits)})) {}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(const nlohmann::ordered_json& variables, const RenderOptions& options) const {
  Budget budget(options.limits);
  Evaluator evaluator(budget, options.unix_time.value_or(std::time(nullptr)));
  try {
    Scope scope(nullptr);
    for (const auto& [name, value] : variables.items()) scope.set(name, from_json(value, budget));
    return evaluator.render(tree_->body, scope);
  } catch (const Error& error) {
    fail_at(name_, evaluator.position(), error.what());
  }
}

}  // namespace burin::runtime::jinja
