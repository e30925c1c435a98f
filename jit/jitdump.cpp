#include "jit/jitdump.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "jit/error.hpp"
#include "jit/file_descriptor.hpp"

namespace burin::jit {
namespace {

// Of the file; then records follow, each with a RecordHeader.
struct FileHeader {
  std::uint32_t magic = 0x4a695444;  // "JiTD" read as a number tells perf the byte order
  std::uint32_t version = 1;
  std::uint32_t header_bytes = 40;
  std::uint32_t machine = EM_X86_64;
  std::uint32_t unused = 0;
  std::uint32_t process = 0;
  std::uint64_t time = 0;
  std::uint64_t flags = 0;
};
static_assert(sizeof(FileHeader) == 40);

struct CodeLoad {
  std::uint32_t kind = 0;  // code is loaded
  std::uint32_t record_bytes = 0;
  std::uint64_t time = 0;
  std::uint32_t process = 0;
  std::uint32_t thread = 0;
  std::uint64_t address = 0;  // where it runs
  std::uint64_t code_address = 0;
  std::uint64_t code_bytes = 0;
  std::uint64_t number = 0;  // of the record: what is loaded at one place later is another function
};
static_assert(sizeof(CodeLoad) == 56);

// As `perf record -k 1` stamps samples.
std::uint64_t nanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

template <typename Record>
std::span<const std::uint8_t> bytes_of(const Record& record) {
  static_assert(std::is_trivially_copyable_v<Record>);
  return {reinterpret_cast<const std::uint8_t*>(&record), sizeof record};
}

class Jitdump final : public CodeTool {
 public:
  explicit Jitdump(const std::filesystem::path& folder)
      : path_((folder / fmt::format("jit-{}.dump", getpid())).string()) {
    ::unlink(path_.c_str());
    file_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file_.is_open()) fail("{}: cannot be made for perf: {}", path_, system_error_text(errno));
    FileHeader header;
    header.process = static_cast<std::uint32_t>(getpid());
    header.time = nanoseconds();
    write(bytes_of(header));
    marker_ = mmap(nullptr, sizeof header, PROT_READ | PROT_EXEC, MAP_PRIVATE, file_.number(), 0);
    if (marker_ == MAP_FAILED)
      fail("{}: cannot be mapped executable, by which perf finds it: {}", path_, system_error_text(errno));
  }
  ~Jitdump() override { munmap(marker_, sizeof(FileHeader)); }

  std::shared_ptr<const void> show(const CodeImage& image, const void* entry) override {
    const std::scoped_lock lock(writing_);
    CodeLoad load;
    load.record_bytes = static_cast<std::uint32_t>(sizeof load + image.name.size() + 1 + image.code_size);
    load.time = nanoseconds();
    load.process = static_cast<std::uint32_t>(getpid());
    load.thread = static_cast<std::uint32_t>(syscall(SYS_gettid));
    load.address = load.code_address = reinterpret_cast<std::uintptr_t>(entry);
    load.code_bytes = image.code_size;
    load.number = number_++;
    std::vector<std::uint8_t> record;
    const auto append = [&](std::span<const std::uint8_t> more) {
      record.insert(record.end(), more.begin(), more.end());
    };
    append(bytes_of(load));
    append({reinterpret_cast<const std::uint8_t*>(image.name.c_str()), image.name.size() + 1});
    append(std::span(image.bytes).first(image.code_size));
    write(record);
    return nullptr;
  }

 private:
  void write(std::span<const std::uint8_t> bytes) {
    if (const int error = write_all(file_, bytes))
      fail("{}: cannot be written: {}", path_, system_error_text(error));
  }

  std::string path_;
  FileDescriptor file_;
  void* marker_ = nullptr;
  std::mutex writing_;  // guards what follows, and the file
  std::uint64_t number_ = 0;
};

}  // namespace

std::shared_ptr<CodeTool> make_jitdump(const std::filesystem::path& folder) {
  return std::make_shared<Jitdump>(folder);
}

}  // namespace burin::jit
