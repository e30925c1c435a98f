// burin kernel ls: the manifest, as far as a target can have it.
#pragma once

#include <string>
#include <vector>

#include "jit/target.hpp"
#include "templates/manifest/manifest.hpp"

namespace burin::tools {

// Rows of the manifest whose names have all of the words. Throws UsageError where none has.
std::vector<kernels::ManifestRow> wanted_rows(const std::vector<std::string>& words);

struct ListOptions {
  std::vector<std::string> words;  // of which a row's name has all
  bool all = false;                // with what is refused, and why
  bool json = false;               // everything, one object per line
};

// Prints a line per kernel. Nothing is run, so any host lists for any target. Throws UsageError where the words leave
// nothing.
void list_kernels(const ListOptions& options, const jit::Target& target);

}  // namespace burin::tools
