// Whether this program can emit kernels.
#pragma once

namespace burin::kernels {

// False with -DBURIN_EMITTER=OFF: every emit_...() then throws jit::MissingKernel, and kernels come from bundles,
// the disk cache or linked objects.
bool has_emitters();

}  // namespace burin::kernels
