#include "runtime/chat/jinja/macro.hpp"

#include <algorithm>

namespace burin::runtime::jinja {
namespace {

class MacroCallable : public Callable {
 public:
  MacroCallable(const MacroDefinition& macro, const Scope& scope) : macro_(macro), scope_(scope) {}
  Value call(Context& context, const Arguments& arguments) const override {
    return static_cast<Evaluator&>(context).call_macro(macro_, scope_, arguments);
  }

 private:
  const MacroDefinition& macro_;
  const Scope& scope_;
};

bool is_parameter(const MacroDefinition& macro, std::string_view name) {
  return std::any_of(macro.parameters.begin(), macro.parameters.end(),
                     [&](const Parameter& parameter) { return parameter.name == name; });
}

// What was given beyond the parameters goes to `varargs`, `kwargs` and `caller`, where the macro reads them.
void set_extra(const MacroDefinition& macro, const Arguments& arguments, Scope& scope, Budget& budget) {
  const std::size_t known = macro.parameters.size();
  if (arguments.positional.size() > known && !macro.reads_varargs)
    fail("the macro '{}' takes at most {} arguments: it is given {}", macro.name, known,
         arguments.positional.size());
  auto others = std::make_shared<Dictionary>();
  Value caller = Value::undefined("there is no caller: the macro is not called by a call block");
  for (const auto& [name, value] : arguments.named) {
    if (is_parameter(macro, name)) continue;
    if (name == "caller" && macro.reads_caller)
      caller = value;
    else if (macro.reads_kwargs)
      others->set(Value(name), value);
    else
      fail("the macro '{}' has no argument '{}'", macro.name, printable(name));
  }
  if (macro.reads_caller && !is_parameter(macro, "caller")) scope.set("caller", std::move(caller));
  if (macro.reads_kwargs) scope.set("kwargs", make_dictionary(std::move(others), budget));
  if (!macro.reads_varargs) return;
  const auto first = arguments.positional.begin() +
                     static_cast<std::ptrdiff_t>(std::min(known, arguments.positional.size()));
  scope.set("varargs", make_sequence(SequenceKind::tuple, {first, arguments.positional.end()}, budget));
}

}  // namespace

Value macro_value(const MacroDefinition& macro, const Scope& scope) {
  return Value(std::shared_ptr<const Callable>(std::make_shared<MacroCallable>(macro, scope)));
}

Value Evaluator::call_macro(const MacroDefinition& macro, const Scope& scope, const Arguments& arguments) {
  budget_.spend(1 + arguments.positional.size() + arguments.named.size());
  Scope inner(&scope);
  set_extra(macro, arguments, inner, budget_);
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    const Parameter& parameter = macro.parameters[i];
    const Value* named = arguments.find_named(parameter.name);
    if (i < arguments.positional.size() && named != nullptr)
      fail("the macro '{}' is given '{}' twice", macro.name, parameter.name);
    if (i < arguments.positional.size())
      inner.set(parameter.name, arguments.positional[i]);
    else if (named != nullptr)
      inner.set(parameter.name, *named);
    else if (parameter.otherwise)
      inner.set(parameter.name, evaluate(*parameter.otherwise, inner));
    else
      inner.set(parameter.name,
                Value::undefined(fmt::format("the argument '{}' was not given", parameter.name)));
  }
  Flow flow = Flow::onward;
  return Value(capture(*macro.body, inner, flow));
}

}  // namespace burin::runtime::jinja
