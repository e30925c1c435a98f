#include "jit/disk_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "jit/cache_folder.hpp"
#include "jit/error.hpp"
#include "jit/image_file.hpp"
#include "jit/private_folder.hpp"

namespace burin::jit {
namespace {

std::string temporary_name(const std::string& name) {
  static std::atomic<unsigned> count{0};
  return fmt::format(".{}.{}.{}.tmp", name, getpid(), count.fetch_add(1));
}

}  // namespace

std::string build_folder_name(const EmitterId& emitter) { return to_hex(emitter.build).substr(0, 16); }

std::string image_file_name(std::string_view key_text) { return to_hex(sha256(key_text)) + ".kernel"; }

std::string image_file_name(const KernelKey& key) { return image_file_name(key.text()); }

DiskCache::DiskCache(DiskCacheOptions options) : options_(std::move(options)) {
  try {
    open_folders();
  } catch (const Error& error) {
    folder_trouble_ = error.what();
  }
}

void DiskCache::open_folders() {
  const FileDescriptor folder = open_private_folder(options_.folder);
  const std::string build = build_folder_name(options_.emitter);
  // Where the folder cannot be written, what is there can still be read.
  if (mkdirat(folder.number(), build.c_str(), 0700) != 0 && errno != EEXIST) write_trouble_ = trouble(errno);
  try {
    build_folder_ = open_private_subfolder(folder, build);
  } catch (const Error& error) {
    fail("{}: {}", shown_folder(), error.what());
  }
}

std::string DiskCache::shown_folder() const { return printable(options_.folder.string(), 200); }

std::string DiskCache::trouble(int code) const {
  return fmt::format("{}: {}", shown_folder(), system_error_text(code));
}

std::optional<CodeImage> DiskCache::load(const KernelKey& key) {
  if (!build_folder_.is_open()) return std::nullopt;
  const std::string name = image_file_name(key);
  try {
    const FileDescriptor file = open_private_file(build_folder_, name);
    if (!file.is_open()) return std::nullopt;
    CodeImage image = read_image_file(read_all(file, kLargestImageFile), key, options_.emitter);
    futimens(file.number(), nullptr);  // used now; where that cannot be noted, it goes earlier than it should
    return image;
  } catch (const Error& error) {
    const std::scoped_lock lock(mutex_);
    if (bad_images_++ == 0) first_bad_image_ = fmt::format("{}: {}", name, error.what());
    return std::nullopt;
  }
}

void DiskCache::store(const KernelKey& key, const CodeImage& image) {
  {
    const std::scoped_lock lock(mutex_);
    if (!build_folder_.is_open() || !write_trouble_.empty()) return;
  }
  const int reason = write_file(image_file_name(key), image_file(key, image, options_.emitter));
  if (reason == 0) return;
  const std::scoped_lock lock(mutex_);
  write_trouble_ = trouble(reason);
}

int DiskCache::write_file(const std::string& name, const std::vector<std::uint8_t>& bytes) {
  const std::string temporary = temporary_name(name);
  const int folder = build_folder_.number();
  int reason = write_temporary(temporary, bytes);
  if (reason == 0) reason = before(WriteStep::rename);
  const auto rename_it = [&] {
    return renameat(folder, temporary.c_str(), folder, name.c_str()) == 0 ? 0 : errno;
  };
  if (reason == 0) reason = rename_it();
  // An empty folder has no business in the place of an image.
  if (reason == EISDIR && unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0) reason = rename_it();
  if (reason != 0) unlinkat(folder, temporary.c_str(), 0);
  return reason;
}

int DiskCache::write_temporary(const std::string& name, const std::vector<std::uint8_t>& bytes) {
  if (const int reason = before(WriteStep::create); reason != 0) return reason;
  const FileDescriptor file(
      openat(build_folder_.number(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return errno;
  const std::span<const std::uint8_t> all(bytes);
  const std::span<const std::uint8_t> half = all.first(all.size() / 2);
  if (const int reason = before(WriteStep::write_half); reason != 0) return reason;
  if (const int reason = write_all(file, half); reason != 0) return reason;
  if (const int reason = before(WriteStep::write_rest); reason != 0) return reason;
  if (const int reason = write_all(file, all.subspan(half.size())); reason != 0) return reason;
  if (const int reason = before(WriteStep::sync); reason != 0) return reason;
  return fsync(file.number()) == 0 ? 0 : errno;
}

void DiskCache::trim() {
  if (!build_folder_.is_open()) return;
  try {
    trim_cache(options_.folder, options_.most_bytes);
  } catch (const Error&) {
    // Another process may clear it meanwhile; what is too much goes next time.
  }
}

std::vector<std::string> DiskCache::notes() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> notes;
  if (!folder_trouble_.empty())
    notes.push_back(
        fmt::format("kernel cache {}: not used, kernels are emitted at every start: use --cache DIR or off",
                    folder_trouble_));
  if (!write_trouble_.empty())
    notes.push_back(fmt::format("kernel cache {}: kernels are not kept for the next start", write_trouble_));
  if (bad_images_ > 0)
    notes.push_back(fmt::format("kernel cache {}: {}{}: emitted anew", shown_folder(), first_bad_image_,
                                bad_images_ == 1 ? "" : fmt::format(" (and {} more)", bad_images_ - 1)));
  return notes;
}

}  // namespace burin::jit
