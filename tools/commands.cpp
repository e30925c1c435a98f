#include "tools/command.hpp"

namespace burin::tools {

void register_commands(CLI::App& app) {
  for (const auto add : {add_run_command, add_chat_command, add_eval_command, add_tokenize_command,
                         add_inspect_command, add_info_command, add_plan_command, add_bench_command,
                         add_kernel_command, add_cache_command, add_pregen_command})
    add(app);
}

}  // namespace burin::tools
