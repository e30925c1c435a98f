#include "jit/perf_map.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <string>
#include <utility>

#include "jit/error.hpp"
#include "jit/file_descriptor.hpp"

namespace burin::jit {
namespace {

class PerfMap final : public CodeTool {
 public:
  explicit PerfMap(std::string path) : path_(std::move(path)) {
    // An earlier process of this number may have left one; a link that somebody else has put there is not followed.
    ::unlink(path_.c_str());
    file_ = FileDescriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file_.is_open()) fail("{}: cannot be made for perf: {}", path_, system_error_text(errno));
  }

  std::shared_ptr<const void> show(const CodeImage& image, const void* entry) override {
    const std::string line =
        fmt::format("{:x} {:x} {}\n", reinterpret_cast<std::uintptr_t>(entry), image.code_size, image.name);
    const std::scoped_lock lock(writing_);
    if (const int error = write_all(file_, {reinterpret_cast<const std::uint8_t*>(line.data()), line.size()}))
      fail("{}: cannot be written: {}", path_, system_error_text(error));
    return nullptr;
  }

 private:
  std::string path_;
  FileDescriptor file_;
  std::mutex writing_;
};

}  // namespace

std::shared_ptr<CodeTool> make_perf_map() {
  return std::make_shared<PerfMap>(fmt::format("/tmp/perf-{}.map", getpid()));
}

}  // namespace burin::jit
