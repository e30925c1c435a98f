#include "tools/commands/bench/save.hpp"

#include <fmt/format.h>

#include "runtime/synthetic/description.hpp"
#include "runtime/synthetic/file.hpp"
#include "tools/command.hpp"

namespace burin::tools {

void save_synthetic(const BenchOptions& options) {
  if (options.synthetic.empty()) wrong_usage("--save {}: is for --synthetic SHAPE", options.save);
  const std::optional<kernels::WeightFormat> weights = load_options(options.common).plan.weights;
  kernels::StoredType type = kernels::StoredType::f16;
  from_arguments([&] {
    if (weights) type = runtime::stored_type_of(*weights);
    static_cast<void>(runtime::synthetic_description(options.synthetic, type));
  });
  const std::uint64_t bytes = runtime::write_synthetic_gguf(options.synthetic, type, options.save);
  if (options.common.json)
    print_json({{"path", options.save}, {"bytes", bytes}});
  else
    fmt::print("{}: {:.1f} MiB\n", options.save, static_cast<double>(bytes) / 1048576);
}

}  // namespace burin::tools
