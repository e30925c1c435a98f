// burin cache: the kernels and packed weights that are kept on disk.
#include <algorithm>
#include <chrono>
#include <ctime>

#include "jit/build_id.hpp"
#include "jit/cache_folder.hpp"
#include "jit/disk_cache.hpp"
#include "runtime/packed_weights/weight_cache.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

// A file of the folder, checked.
struct Row {
  enum class Kind : std::uint8_t { kernel, weights };
  Kind kind;
  jit::CachedFile file;
  std::string text = {};     // kernels: their key; weights: their model; empty where it cannot be read
  std::string problem = {};  // empty: none
};

struct Listing {
  std::vector<Row> rows;  // weights and kernels, the last used of each first
  std::uint64_t bytes = 0;

  std::size_t bad() const {
    return static_cast<std::size_t>(
        std::count_if(rows.begin(), rows.end(), [](const Row& row) { return !row.problem.empty(); }));
  }
  std::size_t count(Row::Kind kind) const {
    return static_cast<std::size_t>(
        std::count_if(rows.begin(), rows.end(), [&](const Row& row) { return row.kind == kind; }));
  }
};

// Kernels are read to be listed; weights, which may be large, only where a pool is given.
Listing read_listing(const std::string& folder, runtime::ThreadPool* pool) {
  Listing listing;
  for (const jit::CachedFile& file : jit::list_cache(folder)) {
    if (file.is_temporary) continue;
    Row row = {Row::Kind::kernel, file};
    row.problem = jit::check_cached_file(file, row.text);
    listing.rows.push_back(std::move(row));
  }
  for (const jit::CachedFile& file : runtime::list_kept_weights(folder)) {
    if (file.is_temporary) continue;
    Row row = {Row::Kind::weights, file};
    row.problem = runtime::check_kept_weights(file, pool, row.text);
    listing.rows.push_back(std::move(row));
  }
  std::reverse(listing.rows.begin(), listing.rows.end());
  for (const Row& row : listing.rows) listing.bytes += row.file.bytes;
  return listing;
}

std::string time_text(std::filesystem::file_time_type time) {
  const auto seconds =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::file_clock::to_sys(time));
  const std::time_t number = std::chrono::system_clock::to_time_t(seconds);
  std::tm parts{};
  gmtime_r(&number, &parts);
  char text[sizeof "2026-01-01T00:00:00Z"];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

nlohmann::json row_json(const Row& row) {
  nlohmann::json object = {
      {"file", row.file.path.string()}, {"bytes", row.file.bytes}, {"used", time_text(row.file.used)}};
  if (row.kind == Row::Kind::weights) {
    object["weights_of"] = row.text;
  } else {
    object["build"] = row.file.path.parent_path().filename().string();
    object["kernel"] = row.text.substr(0, row.text.find('@'));
    if (const std::size_t at = row.text.find('@'); at != std::string::npos)
      object["features"] = row.text.substr(at + 1);
  }
  if (!row.problem.empty()) object["problem"] = row.problem;
  return object;
}

nlohmann::json listing_json(const std::string& folder, const Listing& listing, bool only_bad) {
  nlohmann::json files = nlohmann::json::array();
  for (const Row& row : listing.rows)
    if (!only_bad || !row.problem.empty()) files.push_back(row_json(row));
  return {{"path", folder},
          {"build", jit::build_folder_name(jit::this_emitter())},
          {"entries", listing.rows.size()},
          {"bytes", listing.bytes},
          {"bad", listing.bad()},
          {"files", std::move(files)}};
}

void print_summary(const std::string& folder, const Listing& listing) {
  fmt::print("{} kernels, weights of {} models, {} bytes, {} bad, in {}\n", listing.count(Row::Kind::kernel),
             listing.count(Row::Kind::weights), listing.bytes, listing.bad(), folder);
}

void print_row(const Row& row) {
  const std::string what = row.text.empty()                 ? row.file.path.string()
                           : row.kind == Row::Kind::weights ? "packed weights of " + row.text
                                                            : row.text;
  fmt::print("{}  {:>10}  {}{}\n", time_text(row.file.used), row.file.bytes, printable(what, 400),
             row.problem.empty() ? "" : "  bad: " + row.problem);
}

void list(const CommonOptions& options, const std::string& folder) {
  const Listing listing = read_listing(folder, nullptr);
  if (options.json) return print_json(listing_json(folder, listing, false));
  for (const Row& row : listing.rows) print_row(row);
  print_summary(folder, listing);
}

// Status 1 where something is bad.
void verify(const CommonOptions& options, const std::string& folder) {
  runtime::ThreadPool pool(0);
  const Listing listing = read_listing(folder, &pool);
  if (options.json) {
    print_json(listing_json(folder, listing, true));
  } else {
    for (const Row& row : listing.rows)
      if (!row.problem.empty()) fmt::print("{}: {}\n", row.file.path.string(), row.problem);
    print_summary(folder, listing);
  }
  if (listing.bad() > 0)
    fail("{}: {} of {} files are bad: they are made anew when needed, or: burin cache clear", folder,
         listing.bad(), listing.rows.size());
}

void clear(const CommonOptions& options, const std::string& folder) {
  jit::Removed removed = jit::clear_cache(folder);
  const jit::Removed weights = jit::remove_cached_files(runtime::list_kept_weights(folder));
  removed.files += weights.files;
  removed.bytes += weights.bytes;
  if (options.json)
    print_json({{"path", folder},
                {"removed", removed.files},
                {"removed_bytes", removed.bytes},
                {"entries", 0},
                {"bytes", 0},
                {"bad", 0}});
  else
    fmt::print("{} files, {} bytes removed from {}\n", removed.files, removed.bytes, folder);
}

void path(const CommonOptions& options, const std::string& folder) {
  if (options.json)
    print_json({{"path", folder}, {"build", jit::build_folder_name(jit::this_emitter())}});
  else
    fmt::print("{}\n", folder);
}

void run(const CommonOptions& options, const std::string& action) {
  if (options.cache == "off") wrong_usage("--cache off: there is no folder to look at: give --cache DIR");
  const std::string folder = cache_folder(options);
  if (folder.empty())
    fail("kernel cache: none of BURIN_CACHE_DIR, XDG_CACHE_HOME and HOME is set: give --cache DIR");
  if (action == "ls") list(options, folder);
  if (action == "verify") verify(options, folder);
  if (action == "clear") clear(options, folder);
  if (action == "path") path(options, folder);
}

}  // namespace

void add_cache_command(CLI::App& app) {
  const auto options = std::make_shared<CommonOptions>();
  const auto action = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("cache", "The kernels and packed weights that are kept on disk");
  command->footer("Example: burin cache ls");
  command
      ->add_option(
          "ACTION", *action,
          "ls lists them, the last used first; verify checks every file (status 1 where one is bad); "
          "clear removes them; path prints the folder")
      ->required()
      ->check(CLI::IsMember({"ls", "verify", "clear", "path"}));
  add_cache_option(*command, *options);
  add_json_option(*command, *options);
  command->callback([=] { run(*options, *action); });
}

}  // namespace burin::tools
