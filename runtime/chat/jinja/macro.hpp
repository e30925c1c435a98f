// Macros, and the bodies of call blocks.
#pragma once

#include "runtime/chat/jinja/evaluator.hpp"

namespace burin::runtime::jinja {

// A value that calls the macro; its free names are looked up in `scope`, which must outlive it.
Value macro_value(const MacroDefinition& macro, const Scope& scope);

}  // namespace burin::runtime::jinja
