#include "runtime/packed_weights/weight_cache.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "jit/error.hpp"
#include "jit/private_folder.hpp"
#include "jit/sha256.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".weights";
constexpr std::size_t kKeyDigits = 64;
constexpr std::size_t kTemporaryDigits = 7;  // ".XXXXXX"

fs::path weight_folder(const fs::path& folder) { return folder / "weights"; }

std::string file_name(const std::string& key) {
  return jit::to_hex(jit::sha256(std::string_view(key))) + std::string(kEnding);
}

double gib(std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 30); }

bool is_weight_file(std::string_view name) {
  return name.size() == kKeyDigits + kEnding.size() && name.ends_with(kEnding) &&
         name.substr(0, kKeyDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_temporary(std::string_view name) {
  return name.size() > kTemporaryDigits && name[name.size() - kTemporaryDigits] == '.' &&
         is_weight_file(name.substr(0, name.size() - kTemporaryDigits));
}

void require_room(const fs::path& folder, std::uint64_t bytes) {
  std::error_code unknown;
  const fs::space_info space = fs::space(folder, unknown);
  if (unknown || space.available / 2 >= bytes) return;
  fail(
      "{}: packed weights of {:.1f} GiB are not kept for the next start: the disk has {:.1f} GiB left, of "
      "which half may "
      "go: free some, or --kept-weights off",
      printable(folder.string(), 200), gib(bytes), gib(space.available));
}

// What was just written stays, though it may seem to be the oldest: the clock of files goes in steps.
void trim(const WeightCacheOptions& options, const jit::CachedFile& written) {
  std::vector<jit::CachedFile> files = list_kept_weights(options.folder);
  std::erase_if(files, [&](const jit::CachedFile& file) { return file.path == written.path; });
  const std::uint64_t most = options.most_bytes - std::min(options.most_bytes, written.bytes);
  jit::remove_cached_files(jit::surplus_of(files, most));
}

// Not open where there is none.
jit::FileDescriptor open_kept(const fs::path& path) {
  const jit::FileDescriptor folder = jit::open_private_folder(path.parent_path(), false);
  try {
    return jit::open_private_file(folder, path.filename());
  } catch (const Error& error) {
    fail("{}: {}", path.string(), error.what());
  }
}

}  // namespace

fs::path weight_file_path(const fs::path& folder, const std::string& key) {
  return weight_folder(folder) / file_name(key);
}

std::unique_ptr<WeightFile> load_kept_weights(const WeightCacheOptions& options, const std::string& key,
                                              std::uint64_t bytes, ThreadPool& pool, std::string& note) {
  const fs::path path = weight_file_path(options.folder, key);
  try {
    std::error_code missing;
    if (fs::symlink_status(path, missing).type() == fs::file_type::not_found) return nullptr;
    const jit::FileDescriptor opened = open_kept(path);
    if (!opened.is_open()) return nullptr;
    auto file = std::make_unique<WeightFile>(MappedFile::map(opened.number(), path.string()));
    if (file->text().key != key || file->weights().size() != bytes)
      fail("{}: is of another model or build", path.string());
    file->verify(pool);
    futimens(opened.number(), nullptr);  // used now
    return file;
  } catch (const Error& error) {
    note = fmt::format("packed weights: {}: packed anew", error.what());
    return nullptr;
  }
}

bool keep_weights(const WeightCacheOptions& options, const WeightFileText& text,
                  std::span<const std::byte> weights, const std::function<bool(double)>& progress) {
  const fs::path path = weight_file_path(options.folder, text.key);
  static_cast<void>(jit::open_private_folder(options.folder));
  static_cast<void>(jit::open_private_folder(path.parent_path()));
  require_room(path.parent_path(), weights.size());
  if (!write_weight_file(path.string(), text, weights, progress)) return false;
  std::error_code gone;
  trim(options, {path, fs::file_size(path, gone), {}, false});
  return true;
}

std::vector<jit::CachedFile> list_kept_weights(const fs::path& folder) {
  std::vector<jit::CachedFile> files;
  std::error_code missing;
  if (fs::symlink_status(weight_folder(folder), missing).type() == fs::file_type::not_found) return files;
  static_cast<void>(jit::open_private_folder(weight_folder(folder), false));
  jit::add_cached_files(weight_folder(folder), {is_weight_file, is_temporary}, files);
  jit::sort_by_use(files);
  return files;
}

std::string check_kept_weights(const jit::CachedFile& file, ThreadPool* pool, std::string& model) {
  try {
    const jit::FileDescriptor opened = open_kept(file.path);
    if (!opened.is_open()) return "is gone";
    const WeightFile weights(MappedFile::map(opened.number(), file.path.string()));
    model = weights.text().model;
    if (file_name(weights.text().key) != file.path.filename()) return "under the name of others";
    if (pool != nullptr) weights.verify(*pool);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace burin::runtime
