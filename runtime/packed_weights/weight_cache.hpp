// Packed weights on disk, beside the kernels, so that the next process maps them instead of packing them.
//
//     FOLDER/weights/            this user's, writable by nobody else
//       9b71ee....weights        packed weights of a model (weight_file.hpp), named after the SHA-256 of their key
//       9b71ee....weights.Xy12Zw one that is being written
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "jit/cache_folder.hpp"
#include "runtime/packed_weights/weight_file.hpp"

namespace burin::runtime {

struct WeightCacheOptions {
  std::filesystem::path folder;                        // of the kernel cache
  std::uint64_t most_bytes = std::uint64_t{32} << 30;  // of all files; the least recently used go first
};

// Where weights of this key are, or would be.
std::filesystem::path weight_file_path(const std::filesystem::path& folder, const std::string& key);

// The weights of this key and size, verified by the pool's threads. Null where there are none; where there are but cannot be
// used, `note` becomes a sentence that says why.
std::unique_ptr<WeightFile> load_kept_weights(const WeightCacheOptions& options, const std::string& key,
                                              std::uint64_t bytes, ThreadPool& pool, std::string& note);

// Puts them there, and removes those that were used least recently where all are too many. Returns false where `progress`
// did. Throws burin::Error, naming what is wrong, where the folder cannot be used, the disk would be left with less room
// than the file takes, or the system refuses.
bool keep_weights(const WeightCacheOptions& options, const WeightFileText& text,
                  std::span<const std::byte> weights, const std::function<bool(double)>& progress);

// Files of weights, least recently used first. Empty where there is no folder. Throws burin::Error where it is not this
// user's own.
std::vector<jit::CachedFile> list_kept_weights(const std::filesystem::path& folder);

// What is wrong with a file; empty: nothing. `model` becomes the path of its model where that can be read. Without a pool,
// weights themselves are not read.
std::string check_kept_weights(const jit::CachedFile& file, ThreadPool* pool, std::string& model);

}  // namespace burin::runtime
