#include "jit/private_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "jit/error.hpp"

namespace burin::jit {
namespace {

constexpr mode_t kForUserOnly = 0700;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

void require_private(const FileDescriptor& opened, const std::string& path) {
  struct stat status {};
  if (fstat(opened.number(), &status) != 0) fail("{}: {}", path, system_error_text(errno));
  if (status.st_uid != geteuid())
    fail("{}: belongs to user {}, not to user {} who runs this", path, status.st_uid, geteuid());
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    fail("{}: others may write to it (mode {:o})", path, status.st_mode & 07777u);
}

// Why a folder could not be opened; the system has one code for links and files.
std::string reason_text(int parent, const char* path, int reason) {
  struct stat status {};
  const bool is_link = fstatat(parent, path, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
  return is_link ? "is a symbolic link" : system_error_text(reason);
}

// mkdir -p, each for this user only. Returns 0 or what errno says.
int create_folders(const std::filesystem::path& path) {
  std::filesystem::path part;
  for (const std::filesystem::path& name : path) {
    part /= name;
    struct stat status {};
    if (stat(part.c_str(), &status) == 0) continue;
    if (mkdir(part.c_str(), kForUserOnly) != 0 && errno != EEXIST) return errno;
  }
  return 0;
}

}  // namespace

FileDescriptor open_private_folder(const std::filesystem::path& path, bool create) {
  // A slash at the end would follow a link.
  std::filesystem::path folder = path.lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  FileDescriptor opened(open(folder.c_str(), kFolderFlags));
  int reason = errno;
  const std::string shown = printable(folder.string(), 200);
  if (!opened.is_open() && reason == ENOENT && create) {
    if (const int refused = create_folders(folder); refused != 0)
      fail("{}: cannot be created: {}", shown, system_error_text(refused));
    opened = FileDescriptor(open(folder.c_str(), kFolderFlags));
    reason = errno;
  }
  if (!opened.is_open()) fail("{}: {}", shown, reason_text(AT_FDCWD, folder.c_str(), reason));
  require_private(opened, shown);
  return opened;
}

FileDescriptor open_private_subfolder(const FileDescriptor& folder, const std::string& name) {
  FileDescriptor opened(openat(folder.number(), name.c_str(), kFolderFlags));
  const int reason = errno;
  if (!opened.is_open() && reason == ENOENT) return opened;
  if (!opened.is_open()) fail("{}: {}", name, reason_text(folder.number(), name.c_str(), reason));
  require_private(opened, name);
  return opened;
}

FileDescriptor open_private_file(const FileDescriptor& folder, const std::string& name) {
  // O_NONBLOCK: a pipe would wait for a writer.
  FileDescriptor file(openat(folder.number(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ENOENT) return file;
    fail("{}", errno == ELOOP ? "is a symbolic link" : system_error_text(errno));
  }
  struct stat status {};
  if (fstat(file.number(), &status) != 0) fail("{}", system_error_text(errno));
  if (!S_ISREG(status.st_mode)) fail("is no plain file");
  if (status.st_uid != geteuid()) fail("belongs to user {}", status.st_uid);
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    fail("others may write to it (mode {:o})", status.st_mode & 07777u);
  return file;
}

}  // namespace burin::jit
