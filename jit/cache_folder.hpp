// The cache folder as a whole: what is in it, for all builds and kernels (layout: disk_cache.hpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace burin::jit {

struct CachedFile {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  std::filesystem::file_time_type used;  // when it was last loaded or written
  bool is_temporary = false;             // left by a process that was writing, or still written
};

// How the files of a cache are called.
struct CachedNames {
  bool (*is_stored)(std::string_view name);
  bool (*is_temporary)(std::string_view name);  // of those that are being written
};

// The folder's files that are so called, in any order. Of symbolic links only the link is meant; files that vanish
// meanwhile are not there.
void add_cached_files(const std::filesystem::path& folder, const CachedNames& names,
                      std::vector<CachedFile>& files);
void sort_by_use(std::vector<CachedFile>& files);  // least recently used first
// Of files so sorted: temporary ones nobody can be writing any more, and as many of the others as make the rest
// `most_bytes` at most.
std::vector<CachedFile> surplus_of(const std::vector<CachedFile>& files, std::uint64_t most_bytes);

struct Removed {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
};
Removed remove_cached_files(const std::vector<CachedFile>& files);

// Images and temporary files, least recently used first; whatever else is there is left out, and symbolic
// links are not followed. Empty where there is no folder. Throws burin::Error where the folder is not this
// user's own or cannot be read (see open_private_folder).
std::vector<CachedFile> list_cache(const std::filesystem::path& folder);

// What is wrong with an image, as far as can be said without knowing what it should be; empty: nothing.
// `key` becomes the kernel's text where it can be read.
std::string check_cached_file(const CachedFile& file, std::string& key);

// Removes what list_cache() lists, and folders of other builds that become empty. Returns what was removed.
Removed clear_cache(const std::filesystem::path& folder);

// Removes the least recently used images until the rest has at most `most_bytes`, and temporary files nobody
// can be writing any more.
Removed trim_cache(const std::filesystem::path& folder, std::uint64_t most_bytes);

}  // namespace burin::jit
