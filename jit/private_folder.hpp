// Folders and files that nobody but this user can have written.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "jit/file_descriptor.hpp"

namespace burin::jit {

// Opens a folder for use with openat() and the like. What is not there is created, with its parents, for this
// user only. Throws burin::Error ("PATH: what is wrong") where it is a symbolic link or no folder, belongs to
// somebody else, others may write to it, or the system refuses. Symbolic links among the parents are
// followed: replacing one can only lead to another folder that passes these checks.
FileDescriptor open_private_folder(const std::filesystem::path& path, bool create = true);

// A folder in it, under the same conditions; not open where there is none.
FileDescriptor open_private_subfolder(const FileDescriptor& folder, const std::string& name);

// A file in it, for reading; not open where there is none. Throws burin::Error for what is not a plain file
// of this user that others may not write to.
FileDescriptor open_private_file(const FileDescriptor& folder, const std::string& name);

}  // namespace burin::jit
