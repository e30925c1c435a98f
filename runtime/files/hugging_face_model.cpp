#include "runtime/files/hugging_face_model.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "jit/error.hpp"
#include "runtime/files/json_text.hpp"
#include "runtime/files/quantised/methods.hpp"
#include "runtime/files/safetensors_file.hpp"

namespace burin::runtime {
namespace {

constexpr std::size_t kLargestConfig = 16u << 20;
constexpr std::size_t kLargestIndex = 256u << 20;

namespace fs = std::filesystem;

// Whether this names a file of the same folder, and can be shown in a message.
bool is_file_name(std::string_view name) {
  constexpr std::size_t kLongestFileName = 255;
  return !name.empty() && name.size() <= kLongestFileName && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

}  // namespace

HuggingFaceModel::HuggingFaceModel(fs::path folder) : folder_(std::move(folder)) {
  description_.path = folder_.string();
  description_.origin = graph::Origin::hugging_face;
  read_config();
  const fs::path single = folder_ / "model.safetensors";
  const fs::path index = folder_ / "model.safetensors.index.json";
  if (file_exists(single))
    add_shard(single);
  else if (file_exists(index))
    add_sharded(index);
  else if (file_exists(folder_ / "pytorch_model.bin") ||
           file_exists(folder_ / "pytorch_model.bin.index.json"))
    fail("{}: has only pytorch_model.bin: pickle files are not supported: convert to safetensors",
         description_.path);
  else
    fail("{}: has neither model.safetensors nor model.safetensors.index.json", description_.path);
  add_shared_tensors();
  description_.index_tensors();
  take_quantised();
}

void HuggingFaceModel::read_config() {
  const fs::path path = folder_ / "config.json";
  if (!file_exists(path)) fail("{}: has no config.json: no Hugging Face model folder", description_.path);
  description_.config = parse_json_object(path.string(), read_text_file(path, kLargestConfig));
  // AutoGPTQ's first versions wrote a file of their own.
  if (const fs::path own = folder_ / "quantize_config.json";
      !description_.config.contains("quantization_config") && file_exists(own)) {
    nlohmann::json settings = parse_json_object(own.string(), read_text_file(own, kLargestConfig));
    settings.emplace("quant_method", "gptq");
    description_.config["quantization_config"] = std::move(settings);
  }
  // So did Model Optimizer's.
  if (const fs::path own = folder_ / "hf_quant_config.json";
      !description_.config.contains("quantization_config") && file_exists(own)) {
    const nlohmann::json settings = parse_json_object(own.string(), read_text_file(own, kLargestConfig));
    if (!settings.contains("quantization") || !settings["quantization"].is_object())
      fail("{}: quantization is missing or no object", own.string());
    description_.config["quantization_config"] = settings["quantization"];
    description_.config["quantization_config"].emplace("quant_method", "modelopt");
  }
  const nlohmann::json& config = description_.config;
  const auto architectures = config.find("architectures");
  if (architectures != config.end() && architectures->is_array() && !architectures->empty() &&
      architectures->front().is_string())
    description_.architecture = architectures->front().get<std::string>();
  else
    fail("{}: architectures is missing or no list of names: cannot tell what model this is", path.string());
}

void HuggingFaceModel::add_shard(const fs::path& path) {
  std::unique_ptr<MappedFile> file = MappedFile::open(path);
  refuse_lfs_pointer(file->path(), file->text());
  SafetensorsFile tensors = read_safetensors(file->path(), file->bytes());
  for (SafetensorsTensor& tensor : tensors.tensors) {
    description_.tensors.push_back(std::move(tensor.description));
    data_.push_back(tensor.data);
    shard_of_.push_back(shards_.size());
  }
  for (const auto& [name, stored] : tensors.metadata)
    if (name != "format") shared_.emplace_back(name, stored);
  shards_.push_back(std::move(file));
}

void HuggingFaceModel::add_sharded(const fs::path& index) {
  const std::string name = index.string();
  const nlohmann::json json = parse_json_object(name, read_text_file(index, kLargestIndex));
  const auto map = json.find("weight_map");
  if (map == json.end() || !map->is_object()) fail("{}: weight_map is missing or no object", name);
  std::set<std::string> files;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string())
      fail("{}: weight_map {} is {}: a file name is expected", name, printable(tensor), file.type_name());
    const auto& shard = file.get_ref<const std::string&>();
    if (!is_file_name(shard))
      fail("{}: weight_map {} is '{}': must be a file in the same folder", name, printable(tensor),
           printable(shard));
    files.insert(shard);
  }
  std::map<std::string, std::string> found;  // tensor -> shard
  for (const std::string& shard : files) {
    if (!file_exists(folder_ / shard)) fail("{}: shard {} is missing: download it", name, printable(shard));
    const std::size_t first = description_.tensors.size();
    add_shard(folder_ / shard);
    for (std::size_t i = first; i < description_.tensors.size(); ++i)
      if (!found.emplace(description_.tensors[i].name, shard).second)
        fail("{}: tensor {} stands in two shards", name, printable(description_.tensors[i].name));
  }
  for (const auto& [tensor, shard] : map->items())
    if (const auto at = found.find(tensor);
        at == found.end() || at->second != shard.get_ref<const std::string&>())
      fail("{}: tensor {} is not in {} as weight_map says", name, printable(tensor),
           printable(shard.get_ref<const std::string&>()));
}

// Puts one coded matrix in the place of the tensors that a quantised layer is stored in.
void HuggingFaceModel::take_quantised() {
  const auto settings = description_.config.find("quantization_config");
  if (settings == description_.config.end() || settings->is_null()) return;
  std::vector<quantised::QuantisedMatrix> matrices =
      quantised::read_quantised(quantised::Checkpoint(description_, data_));
  std::vector<bool> gone(description_.tensors.size(), false);
  std::vector<std::size_t> codes;  // of each matrix, before names change
  for (const quantised::QuantisedMatrix& matrix : matrices) {
    if (matrix.name != matrix.codes && description_.find(matrix.name) >= 0)
      fail("{}: tensor {} is there beside {}: it is either quantised or not", description_.path,
           printable(matrix.name), printable(matrix.codes));
    codes.push_back(static_cast<std::size_t>(description_.find(matrix.codes)));
    for (const std::string& other : matrix.others) {
      const auto at = static_cast<std::size_t>(description_.find(other));
      description_.tensors[codes.back()].bytes += description_.tensors[at].bytes;
      gone[at] = true;
    }
  }
  coded_.resize(description_.tensors.size());
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    quantised::QuantisedMatrix& matrix = matrices[i];
    graph::TensorDescription& tensor = description_.tensors[codes[i]];
    tensor.name = matrix.name;
    tensor.shape = matrix.shape;
    tensor.type.reset();
    tensor.coded = matrix.slices.front()->format();
    if (tensor.coded->has_codes()) tensor.type_name = to_text(*tensor.coded);
    if (!matrix.type_name.empty()) tensor.type_name = matrix.type_name;
    tensor.order = order_index(std::move(matrix.order));
    coded_[codes[i]] = std::move(matrix.slices);
  }
  forget(gone);
  description_.index_tensors();
}

int HuggingFaceModel::order_index(std::vector<std::int32_t> order) {
  if (order.empty()) return -1;
  std::vector<std::vector<std::int32_t>>& orders = description_.orders;
  const auto known = std::find(orders.begin(), orders.end(), order);
  const auto index = static_cast<int>(known - orders.begin());
  if (known == orders.end()) orders.push_back(std::move(order));
  return index;
}

void HuggingFaceModel::forget(const std::vector<bool>& gone) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (gone[i]) continue;
    std::swap(description_.tensors[kept], description_.tensors[i]);
    std::swap(coded_[kept], coded_[i]);
    data_[kept] = data_[i];
    shard_of_[kept] = shard_of_[i];
    ++kept;
  }
  description_.tensors.resize(kept);
  coded_.resize(kept);
  data_.resize(kept);
  shard_of_.resize(kept);
}

// Tensors that share memory are stored once; save_model notes the other names in the metadata.
void HuggingFaceModel::add_shared_tensors() {
  std::map<std::string, std::size_t> by_name;
  for (std::size_t i = 0; i < description_.tensors.size(); ++i)
    by_name.emplace(description_.tensors[i].name, i);
  for (const auto& [name, stored] : shared_) {
    const auto at = by_name.find(stored);
    if (at == by_name.end() || by_name.contains(name)) continue;
    graph::TensorDescription tensor = description_.tensors[at->second];
    tensor.name = name;
    by_name.emplace(name, description_.tensors.size());
    description_.tensors.push_back(std::move(tensor));
    data_.push_back(data_[at->second]);
    shard_of_.push_back(shard_of_[at->second]);
  }
}

std::vector<FileStamp> HuggingFaceModel::stamps() const {
  std::vector<FileStamp> stamps;
  for (const std::unique_ptr<MappedFile>& shard : shards_) stamps.push_back(shard->stamp());
  return stamps;
}

}  // namespace burin::runtime
