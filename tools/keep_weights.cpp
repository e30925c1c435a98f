#include "tools/keep_weights.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "jit/error.hpp"
#include "tools/interrupts.hpp"
#include "tools/progress_bar.hpp"

namespace burin::tools {

void keep_weights(const CommonOptions& options, const runtime::Model& model) {
  const std::uint64_t bytes = model.weights_to_keep();
  if (bytes == 0) return;
  const Interrupts interrupts;
  ProgressBar bar("keeping packed weights");
  const bool notes = options.log != "error";
  try {
    const bool kept = model.keep_weights([&](double done) { return bar(done) && !interrupts.flag(); });
    if (kept && notes)
      fmt::print(
          stderr,
          "burin: note: {:.1f} MiB of packed weights are kept for the next start in {} (burin cache ls; "
          "--kept-weights off)\n",
          static_cast<double>(bytes) / 1048576.0, printable(model.kept_weights_path(), 400));
  } catch (const Error& error) {
    if (notes) fmt::print(stderr, "burin: note: {}\n", error.what());
  }
}

}  // namespace burin::tools
