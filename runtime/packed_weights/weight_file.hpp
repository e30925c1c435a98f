// Packed weights in a file, which is mapped: its pages are the system's, shared by processes, and nothing is copied.
//
//     [header][text][hash of each chunk][zeros][weights, from a multiple of 2 MiB on]
//
//     header   "BURINWTS", format, lengths and offsets, SHA-256 over what is before the zeros but itself
//     text     the key (weight_key.hpp) and one line with the model's path
//     hashes   XXH64 of 4 MiB of weights each: fast enough to be checked at every start
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "runtime/files/mapped_file.hpp"
#include "runtime/thread_pool.hpp"

namespace burin::runtime {

// What the file is about.
struct WeightFileText {
  std::string key;
  std::string model;  // path, for people
};

// Immutable; thread-safe.
class WeightFile {
 public:
  // Throws burin::Error ("FILE: FIELD is VALUE: ...") for what is not as it was written, as far as can be told without reading
  // the weights.
  explicit WeightFile(std::unique_ptr<MappedFile> file);

  const WeightFileText& text() const { return text_; }
  std::span<const std::byte> weights() const { return file_->bytes().subspan(weights_at_); }
  // Reads all of the weights. Throws burin::Error where they are not what was written.
  void verify(ThreadPool& pool) const;

 private:
  std::unique_ptr<MappedFile> file_;
  WeightFileText text_;
  std::size_t hashes_at_ = 0;
  std::size_t weights_at_ = 0;
};

// Writes such a file, which appears whole or not at all, and syncs it. progress is called with 0..1; where it returns false
// nothing is left, and neither is where burin::Error is thrown, for whatever the system refuses. Returns whether it is
// written.
bool write_weight_file(const std::string& path, const WeightFileText& text,
                       std::span<const std::byte> weights, const std::function<bool(double)>& progress);

}  // namespace burin::runtime
