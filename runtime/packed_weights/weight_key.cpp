#include "runtime/packed_weights/weight_key.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <string_view>

#include "jit/sha256.hpp"
#include "runtime/packed_weights/packing_id.hpp"

namespace burin::runtime {
namespace {

class KeyHash {
 public:
  template <typename Number>
  void add(std::span<const Number> numbers) {
    const std::uint64_t count = numbers.size();
    hash_.update(std::as_bytes(std::span(&count, 1)));
    hash_.update(std::as_bytes(numbers));
  }
  void add(std::string_view text) { add(std::span<const char>(text)); }
  void add(std::initializer_list<std::int64_t> numbers) {
    add(std::span<const std::int64_t>(numbers.begin(), numbers.size()));
  }

  void add(const graph::TensorDescription& tensor) {
    add(tensor.name);
    add(tensor.type_name);
    add(std::span<const std::int64_t>(tensor.shape));
    add(tensor.coded ? kernels::to_text(*tensor.coded) : "");
    add({static_cast<std::int64_t>(tensor.bytes), tensor.order});
  }

  void add(const graph::PackedMatrix& matrix) {
    const graph::HeadTranspose& by_head = matrix.by_head;
    const graph::MatrixView& view = by_head.view;
    add(matrix.name);
    add(kernels::to_text(matrix.format));
    add({matrix.shape.inputs, static_cast<std::int64_t>(matrix.shape.total_bytes), matrix.experts,
         by_head.heads, view.first, view.run, view.stride, view.transposed, view.slice, matrix.unit_rows});
    add(std::span<const std::size_t>(matrix.tensors));
    add(std::span<const std::int64_t>(matrix.slices));
    for (const bool transposed : matrix.transposed) add({transposed});
    add(std::span<const kernels::ColumnSource>(matrix.columns));
  }

  std::string finish() { return jit::to_hex(hash_.finish()); }

 private:
  jit::Sha256 hash_;
};

std::string contents_hash(const graph::Plan& plan, const graph::ModelDescription& description) {
  KeyHash hash;
  hash.add({static_cast<std::int64_t>(description.origin)});
  hash.add(description.architecture);
  hash.add(description.config.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  for (const graph::TensorDescription& tensor : description.tensors) hash.add(tensor);
  for (const graph::PackedMatrix& matrix : plan.matrices) hash.add(matrix);
  return hash.finish();
}

}  // namespace

std::string weight_key(const graph::Plan& plan, const ModelFile& file) {
  std::string key = fmt::format("packing {}\n", packing_id());
  for (const FileStamp& stamp : file.stamps())
    key += fmt::format("file {} bytes, device {}, inode {}, modified {}, changed {}\n", stamp.bytes,
                       stamp.device, stamp.inode, stamp.modified, stamp.changed);
  key += fmt::format("contents {}\n", contents_hash(plan, file.description()));
  return key;
}

}  // namespace burin::runtime
