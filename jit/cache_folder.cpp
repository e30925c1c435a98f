#include "jit/cache_folder.hpp"

#include <algorithm>
#include <string_view>

#include "jit/disk_cache.hpp"
#include "jit/error.hpp"
#include "jit/image_file.hpp"
#include "jit/private_folder.hpp"

namespace burin::jit {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBuildDigits = 16;
constexpr std::size_t kKeyDigits = 64;
constexpr auto kLongestWrite = std::chrono::hours(1);

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_build_folder(const std::string& name) { return name.size() == kBuildDigits && is_hex(name); }

bool is_image(std::string_view name) {
  return name.size() == kKeyDigits + 7 && name.ends_with(".kernel") && is_hex(name.substr(0, kKeyDigits));
}

bool is_temporary(std::string_view name) {
  return name.starts_with('.') && name.ends_with(".tmp") && name.size() > kKeyDigits + 8 &&
         is_image(name.substr(1, kKeyDigits + 7));
}

void add_file(const fs::directory_entry& entry, const CachedNames& names, std::vector<CachedFile>& files) {
  const std::string name = entry.path().filename();
  const bool is_temporary = names.is_temporary(name);
  if (!is_temporary && !names.is_stored(name)) return;
  std::error_code gone;
  if (!fs::is_regular_file(entry.symlink_status(gone))) {
    // Also listed, so that it can be cleared: a link in the place of an image.
    files.push_back({entry.path(), 0, fs::file_time_type::min(), is_temporary});
    return;
  }
  const std::uint64_t bytes = entry.file_size(gone);
  if (gone) return;
  const fs::file_time_type used = entry.last_write_time(gone);
  if (gone) return;
  files.push_back({entry.path(), bytes, used, is_temporary});
}

template <typename Visit>
void for_each_entry(const fs::path& folder, Visit visit) {
  std::error_code gone;
  fs::directory_iterator entry(folder, gone);
  for (; !gone && entry != fs::directory_iterator(); entry.increment(gone)) visit(*entry);
}

// But for this build's own, which other processes may be about to write to.
void remove_empty_builds(const fs::path& folder) {
  for_each_entry(folder, [](const fs::directory_entry& entry) {
    std::error_code not_empty;
    const std::string name = entry.path().filename();
    if (is_build_folder(name) && name != build_folder_name(this_emitter()) &&
        entry.symlink_status(not_empty).type() == fs::file_type::directory)
      fs::remove(entry.path(), not_empty);
  });
}

}  // namespace

void add_cached_files(const fs::path& folder, const CachedNames& names, std::vector<CachedFile>& files) {
  for_each_entry(folder, [&](const fs::directory_entry& entry) { add_file(entry, names, files); });
}

void sort_by_use(std::vector<CachedFile>& files) {
  std::sort(files.begin(), files.end(), [](const CachedFile& a, const CachedFile& b) {
    return std::tie(a.used, a.path) < std::tie(b.used, b.path);
  });
}

std::vector<CachedFile> surplus_of(const std::vector<CachedFile>& files, std::uint64_t most_bytes) {
  const auto now = fs::file_time_type::clock::now();
  std::uint64_t bytes = 0;
  for (const CachedFile& file : files) bytes += file.is_temporary ? 0 : file.bytes;
  std::vector<CachedFile> surplus;
  for (const CachedFile& file : files) {
    if (file.is_temporary) {
      if (now - file.used > kLongestWrite) surplus.push_back(file);
    } else if (bytes > most_bytes) {
      surplus.push_back(file);
      bytes -= file.bytes;
    }
  }
  return surplus;
}

Removed remove_cached_files(const std::vector<CachedFile>& files) {
  Removed removed;
  for (const CachedFile& file : files) {
    std::error_code gone;
    if (!fs::remove(file.path, gone)) continue;
    ++removed.files;
    removed.bytes += file.bytes;
  }
  return removed;
}

std::vector<CachedFile> list_cache(const fs::path& folder) {
  std::error_code missing;
  if (fs::symlink_status(folder, missing).type() == fs::file_type::not_found) return {};
  static_cast<void>(open_private_folder(folder, false));
  std::vector<CachedFile> files;
  for_each_entry(folder, [&](const fs::directory_entry& build) {
    std::error_code gone;
    if (is_build_folder(build.path().filename()) &&
        build.symlink_status(gone).type() == fs::file_type::directory)
      add_cached_files(build.path(), {is_image, is_temporary}, files);
  });
  sort_by_use(files);
  return files;
}

std::string check_cached_file(const CachedFile& file, std::string& key) {
  try {
    const FileDescriptor folder = open_private_folder(file.path.parent_path(), false);
    const FileDescriptor opened = open_private_file(folder, file.path.filename());
    if (!opened.is_open()) return "is gone";
    const StoredImage stored = parse_image_file(read_all(opened, kLargestImageFile));
    key = stored.key;
    if (build_folder_name(stored.emitter) != file.path.parent_path().filename())
      return "in the folder of another build";
    if (image_file_name(stored.key) != file.path.filename()) return "under the name of another kernel";
    if (stored.key != KernelKey{stored.image.name, stored.image.features}.text() &&
        stored.emitter == this_emitter())
      return "its features are not those of its key";
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

Removed clear_cache(const fs::path& folder) {
  const Removed removed = remove_cached_files(list_cache(folder));
  remove_empty_builds(folder);
  return removed;
}

Removed trim_cache(const fs::path& folder, std::uint64_t most_bytes) {
  const Removed removed = remove_cached_files(surplus_of(list_cache(folder), most_bytes));
  if (removed.files > 0) remove_empty_builds(folder);
  return removed;
}

}  // namespace burin::jit
