#include "runtime/files/gguf_model.hpp"

#include "jit/error.hpp"
#include "runtime/files/ggml_types.hpp"

namespace burin::runtime {
namespace {

constexpr std::uint64_t kLongestArray = 1024;

nlohmann::json scalar_json(const GgufFile& gguf, const std::string& key, const GgufValue& value) {
  switch (value.type) {
    case GgufType::text: return std::string(*gguf.text(key));
    case GgufType::boolean: return *gguf.boolean(key);
    case GgufType::f32:
    case GgufType::f64: return *gguf.number(key);
    // A number past 63 bits is no setting; it stays visible as what it is.
    case GgufType::u64: {
      try {
        return *gguf.integer(key);
      } catch (const Error&) {
        return "a number of more than 63 bits";
      }
    }
    default: return *gguf.integer(key);
  }
}

// Scalars and short arrays of numbers; the tokenizer's arrays are read by the tokenizer.
nlohmann::json config_of(const GgufFile& gguf) {
  nlohmann::json config = nlohmann::json::object();
  for (const auto& [key, value] : gguf.metadata()) {
    if (value.type != GgufType::array) {
      config[key] = scalar_json(gguf, key, value);
      continue;
    }
    if (key.starts_with("tokenizer.") || value.count > kLongestArray) continue;
    if (value.element == GgufType::f32)
      config[key] = gguf.floats(key);
    else if (value.element != GgufType::text && value.element != GgufType::boolean &&
             value.element != GgufType::f64 && value.element != GgufType::u64)
      config[key] = gguf.integers(key);
  }
  return config;
}

}  // namespace

GgufModel::GgufModel(std::unique_ptr<MappedFile> file)
    : file_(std::move(file)), gguf_(file_->path(), file_->bytes()) {
  description_.path = file_->path();
  description_.origin = graph::Origin::gguf;
  description_.architecture = std::string(gguf_.text("general.architecture").value_or(""));
  description_.config = config_of(gguf_);
  for (const GgufTensor& stored : gguf_.tensors()) {
    const GgmlType* type = find_ggml_type(stored.type_id);
    graph::TensorDescription tensor;
    tensor.name = stored.name;
    tensor.type_name = std::string(type->name);
    tensor.type = type->stored;
    tensor.shape = stored.shape;
    tensor.bytes = stored.bytes;
    description_.tensors.push_back(std::move(tensor));
  }
  description_.index_tensors();
}

std::span<const std::byte> GgufModel::tensor_data(std::size_t index) const {
  const GgufTensor& tensor = gguf_.tensors()[index];
  return file_->bytes().subspan(static_cast<std::size_t>(tensor.offset),
                                static_cast<std::size_t>(tensor.bytes));
}

std::filesystem::path GgufModel::folder() const { return std::filesystem::path(file_->path()).parent_path(); }

}  // namespace burin::runtime
