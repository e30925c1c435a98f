#include "runtime/files/gguf_model.hpp"

#include "jit/error.hpp"
#include "runtime/files/ggml_types.hpp"
#include "runtime/files/gguf_split.hpp"

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

GgufModel::GgufModel(std::unique_ptr<MappedFile> file) {
  add_part(std::move(file));
  const std::vector<std::filesystem::path> others = parts_behind(*gguf());
  for (std::size_t part = 1; part <= others.size(); ++part) {
    add_part(MappedFile::open(others[part - 1]));
    check_part(*gguf(), parts_[part].gguf, static_cast<std::int64_t>(part));
  }
  description_.path = gguf()->path();
  description_.origin = graph::Origin::gguf;
  description_.architecture = std::string(gguf()->text("general.architecture").value_or(""));
  description_.config = config_of(*gguf());
  for (std::size_t part = 0; part < parts_.size(); ++part) add_tensors(part);
  check_parts_are_all(*gguf(), places_.size());
}

void GgufModel::add_part(std::unique_ptr<MappedFile> file) {
  GgufFile gguf(file->path(), file->bytes());
  parts_.push_back({std::move(file), std::move(gguf)});
}

void GgufModel::add_tensors(std::size_t part) {
  const std::vector<GgufTensor>& tensors = parts_[part].gguf.tensors();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (description_.find(tensors[i].name) >= 0)
      fail("{}: tensor {} is in another file of the model too", parts_[part].gguf.path(),
           printable(tensors[i].name));
    const GgmlType* type = find_ggml_type(tensors[i].type_id);
    graph::TensorDescription tensor;
    tensor.name = tensors[i].name;
    tensor.type_name = std::string(type->name);
    tensor.type = type->stored;
    tensor.shape = tensors[i].shape;
    tensor.bytes = tensors[i].bytes;
    description_.tensors.push_back(std::move(tensor));
    places_.push_back({part, i});
  }
  description_.index_tensors();
}

std::span<const std::byte> GgufModel::tensor_data(std::size_t index) const {
  const auto& [part, number] = places_[index];
  const GgufTensor& tensor = parts_[part].gguf.tensors()[number];
  return parts_[part].file->bytes().subspan(static_cast<std::size_t>(tensor.offset),
                                            static_cast<std::size_t>(tensor.bytes));
}

void GgufModel::release_pages(std::size_t index) const {
  parts_[places_[index].part].file->release(tensor_data(index));
}

std::vector<FileStamp> GgufModel::stamps() const {
  std::vector<FileStamp> stamps;
  for (const Part& part : parts_) stamps.push_back(part.file->stamp());
  return stamps;
}

std::filesystem::path GgufModel::folder() const {
  return std::filesystem::path(gguf()->path()).parent_path();
}

}  // namespace burin::runtime
