#include "runtime/files/model_file.hpp"

#include "jit/error.hpp"
#include "runtime/files/gguf_model.hpp"
#include "runtime/files/hugging_face_model.hpp"
#include "runtime/files/llama2c_model.hpp"
#include "runtime/files/mapped_file.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;

// Containers of older ggml programs, as they stand in the file.
constexpr std::string_view kLegacyMagics[] = {"lmgg", "tjgg", "fmgg", "algg"};

[[noreturn]] void refuse_other_formats(const MappedFile& file) {
  const fs::path path(file.path());
  refuse_lfs_pointer(file.path(), file.text());
  for (const std::string_view magic : kLegacyMagics)
    if (file.text().starts_with(magic))
      fail("{}: is a ggml file from before GGUF: convert the original model again with a current converter",
           file.path());
  if (path.extension() == ".safetensors" || path.extension() == ".json")
    fail("{}: is one file of a Hugging Face model: give its folder, {}", file.path(),
         path.parent_path().empty() ? "." : path.parent_path().string());
  fail("{}: is no model file (first bytes '{}'): give a GGUF file or a Hugging Face folder", file.path(),
       printable(file.text().substr(0, 8)));
}

}  // namespace

const kernels::CodedMatrix& ModelFile::coded_matrix(std::size_t index, std::int64_t) const {
  fail("{}: tensor {} has no codes", description_.path, printable(description_.tensors[index].name));
}

std::unique_ptr<ModelFile> ModelFile::open(const fs::path& path) {
  std::error_code unreadable;
  if (fs::is_directory(path, unreadable)) return std::make_unique<HuggingFaceModel>(path);
  std::unique_ptr<MappedFile> file = MappedFile::open(path);
  if (file->text().starts_with("GGUF")) return std::make_unique<GgufModel>(std::move(file));
  if (Llama2cModel::recognises(file->bytes())) return std::make_unique<Llama2cModel>(std::move(file));
  refuse_other_formats(*file);
}

}  // namespace burin::runtime
