// For std::visit: one callable out of a case per type.
#pragma once

namespace burin::jit {

template <typename... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overload(Cases...) -> Overload<Cases...>;

}  // namespace burin::jit
