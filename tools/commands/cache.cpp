// burin cache: the kernels that are kept on disk.
#include <chrono>
#include <ctime>

#include "jit/build_id.hpp"
#include "jit/cache_folder.hpp"
#include "jit/disk_cache.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

// What a folder holds, checked.
struct Listing {
  struct Row {
    jit::CachedFile file;
    std::string key;      // empty where it cannot be read
    std::string problem;  // empty: none
  };
  std::vector<Row> rows;  // images, the last used first
  std::uint64_t bytes = 0;
  std::size_t bad = 0;
};

Listing read_listing(const std::string& folder) {
  Listing listing;
  const std::vector<jit::CachedFile> files = jit::list_cache(folder);
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    if (file->is_temporary) continue;
    Listing::Row row = {*file, "", ""};
    row.problem = jit::check_cached_file(*file, row.key);
    listing.bytes += file->bytes;
    if (!row.problem.empty()) ++listing.bad;
    listing.rows.push_back(std::move(row));
  }
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

nlohmann::json row_json(const Listing::Row& row) {
  nlohmann::json object = {{"file", row.file.path.string()},
                           {"build", row.file.path.parent_path().filename().string()},
                           {"kernel", row.key.substr(0, row.key.find('@'))},
                           {"bytes", row.file.bytes},
                           {"used", time_text(row.file.used)}};
  if (const std::size_t at = row.key.find('@'); at != std::string::npos)
    object["features"] = row.key.substr(at + 1);
  if (!row.problem.empty()) object["problem"] = row.problem;
  return object;
}

nlohmann::json listing_json(const std::string& folder, const Listing& listing, bool only_bad) {
  nlohmann::json files = nlohmann::json::array();
  for (const Listing::Row& row : listing.rows)
    if (!only_bad || !row.problem.empty()) files.push_back(row_json(row));
  return {{"path", folder},
          {"build", jit::build_folder_name(jit::this_emitter())},
          {"entries", listing.rows.size()},
          {"bytes", listing.bytes},
          {"bad", listing.bad},
          {"files", std::move(files)}};
}

void print_summary(const std::string& folder, const Listing& listing) {
  fmt::print("{} kernels, {} bytes, {} bad, in {}\n", listing.rows.size(), listing.bytes, listing.bad,
             folder);
}

void list(const CommonOptions& options, const std::string& folder) {
  const Listing listing = read_listing(folder);
  if (options.json) return print_json(listing_json(folder, listing, false));
  for (const Listing::Row& row : listing.rows)
    fmt::print("{}  {:>7}  {}{}\n", time_text(row.file.used), row.file.bytes,
               row.key.empty() ? row.file.path.string() : printable(row.key, 400),
               row.problem.empty() ? "" : "  bad: " + row.problem);
  print_summary(folder, listing);
}

// Status 1 where something is bad.
void verify(const CommonOptions& options, const std::string& folder) {
  const Listing listing = read_listing(folder);
  if (options.json) {
    print_json(listing_json(folder, listing, true));
  } else {
    for (const Listing::Row& row : listing.rows)
      if (!row.problem.empty()) fmt::print("{}: {}\n", row.file.path.string(), row.problem);
    print_summary(folder, listing);
  }
  if (listing.bad > 0)
    fail("{}: {} of {} kernels are bad: they are emitted anew when needed, or: burin cache clear", folder,
         listing.bad, listing.rows.size());
}

void clear(const CommonOptions& options, const std::string& folder) {
  const jit::Removed removed = jit::clear_cache(folder);
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
  CLI::App* command = app.add_subcommand("cache", "The kernels that are kept on disk");
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
