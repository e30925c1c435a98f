#include "runtime/files/gguf_split.hpp"

#include <fmt/format.h>

#include "jit/error.hpp"
#include "runtime/files/mapped_file.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostParts = 99'999;  // what five digits can say

std::string ending(std::int64_t number, std::int64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count);
}

// 1 where the file is all of the model.
std::int64_t count_of(const GgufFile& file) {
  const std::int64_t count = file.integer("split.count").value_or(1);
  if (count < 0 || count > kMostParts)
    fail("{}: split.count is {}: must be from 1 to {}", file.path(), count, kMostParts);
  return count;
}

}  // namespace

std::vector<fs::path> parts_behind(const GgufFile& first) {
  const std::int64_t count = count_of(first);
  const std::int64_t number = first.integer("split.no").value_or(0);
  if (count <= 1) return {};
  if (number < 0 || number >= count)
    fail("{}: split.no is {}: must be from 0 to {}", first.path(), number, count - 1);
  if (!first.path().ends_with(ending(number, count)))
    fail("{}: split.count is {}: the name must end with {} for the other files to be found", first.path(),
         count, ending(number, count));
  const std::string name = first.path().substr(0, first.path().size() - ending(number, count).size());
  if (number != 0)
    fail("{}: is file {} of {} of a model: give the first one, {}", first.path(), number + 1, count,
         name + ending(0, count));
  std::vector<fs::path> parts;
  for (std::int64_t part = 1; part < count; ++part) {
    parts.emplace_back(name + ending(part, count));
    if (!file_exists(parts.back()))
      fail("{}: split.count is {}: {} is missing: download it", first.path(), count, parts.back().string());
  }
  return parts;
}

void check_part(const GgufFile& first, const GgufFile& part, std::int64_t number) {
  if (const std::int64_t count = count_of(first); count_of(part) != count)
    fail("{}: split.count is {}: {} has {}", part.path(), count_of(part), first.path(), count);
  if (const std::int64_t own = part.integer("split.no").value_or(0); own != number)
    fail("{}: split.no is {}: {} is expected", part.path(), own, number);
}

void check_parts_are_all(const GgufFile& first, std::size_t tensors) {
  const auto all = first.integer("split.tensors.count");
  if (count_of(first) > 1 && all && *all != static_cast<std::int64_t>(tensors))
    fail("{}: split.tensors.count is {}: its {} files have {}", first.path(), *all, count_of(first), tensors);
}

}  // namespace burin::runtime
