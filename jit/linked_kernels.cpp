#include "jit/linked_kernels.hpp"

#include <map>
#include <mutex>
#include <string>

#include "jit/error.hpp"

namespace burin::jit {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, const LinkedKernels*, std::less<>> by_name;
};

Registry& registry() {
  // Never destroyed: static objects may use it until the end.
  static auto& known = *new Registry;
  return known;
}

}  // namespace

void add_linked_kernels(const LinkedKernels& kernels) {
  const std::scoped_lock lock(registry().mutex);
  registry().by_name.insert_or_assign(kernels.name, &kernels);
}

const LinkedKernels& find_linked_kernels(std::string_view name) {
  const std::scoped_lock lock(registry().mutex);
  const auto found = registry().by_name.find(name);
  if (found != registry().by_name.end()) return *found->second;
  std::string known;
  for (const auto& [other, kernels] : registry().by_name) known += (known.empty() ? "" : ", ") + other;
  fail(
      "{}{}: no such kernels are linked ({}): link the object that burin pregen -o {}.o makes and call "
      "add_linked_kernels",
      kLinkedPrefix, printable(name), known.empty() ? "none are" : known + " are", printable(name));
}

}  // namespace burin::jit
