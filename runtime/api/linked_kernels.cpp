#include "jit/linked_kernels.hpp"

#include <cstring>

#include "runtime/api/c_support.hpp"

namespace burin {

Result<void> add_linked_kernels(const void* kernels) noexcept {
  return api::guarded<void>(ErrorCode::invalid_argument, [&] {
    api::not_null(static_cast<const char*>(kernels), "kernels");
    // Bytes before anything else: what was given may be no such table.
    if (std::memcmp(kernels, jit::kLinkedMagic, sizeof(jit::LinkedKernels::magic)) != 0)
      fail(
          "kernels: do not begin with {}: give the symbol burin_kernels_NAME of what burin pregen -o NAME.o "
          "wrote",
          jit::kLinkedMagic);
    jit::add_linked_kernels(*static_cast<const jit::LinkedKernels*>(kernels));
  });
}

}  // namespace burin

burin_status burin_add_linked_kernels(const void* kernels) {
  return burin::api::status_of(burin::add_linked_kernels(kernels));
}
