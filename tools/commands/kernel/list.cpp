#include "tools/commands/kernel/list.hpp"

#include <algorithm>

#include "tools/command.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {

using kernels::ManifestRow;

std::vector<ManifestRow> wanted_rows(const std::vector<std::string>& words) {
  std::vector<ManifestRow> rows = kernels::manifest();
  std::erase_if(rows, [&](const ManifestRow& row) {
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& word) { return row.name.find(word) == std::string::npos; });
  });
  if (rows.empty())
    wrong_usage("kernel ls: no row of the manifest has '{}' in its name: names are like '{}'",
                fmt::join(words, "' and '"), kernels::manifest().front().name);
  return rows;
}

namespace {

void print_as_json(const ManifestRow& row, const jit::Target& target, const std::string& refusal) {
  nlohmann::json object = {
      {"name", row.kernel}, {"row", row.name}, {"target", target.name}, {"supported", refusal.empty()}};
  if (!refusal.empty()) object["reason"] = refusal;
  print_json(object);
}

}  // namespace

void list_kernels(const ListOptions& options, const jit::Target& target) {
  std::vector<std::string> refusals;
  std::size_t supported = 0;
  for (const ManifestRow& row : wanted_rows(options.words)) {
    const std::string refusal = kernels::refusal_of(row, target);
    if (refusal.empty()) ++supported;
    if (options.json)
      print_as_json(row, target, refusal);
    else if (refusal.empty())
      fmt::print("{}\n", row.kernel);
    else
      refusals.push_back(fmt::format("{}: {}", row.name, refusal));
  }
  if (options.json) return;
  if (options.all)
    for (const std::string& refusal : refusals) fmt::print("refused {}\n", refusal);
  fmt::print(stderr, "{}: {} kernels, {} refused{}\n", target.name, supported, refusals.size(),
             options.all || refusals.empty() ? "" : " (--all says why)");
}

}  // namespace burin::tools
