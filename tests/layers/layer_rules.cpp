#include "tests/layers/layer_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string_view>

namespace burin::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kLayers = {"jit",   "templates", "graph", "runtime",
                                                     "tools", "tests",     "bench"};
constexpr std::array<std::string_view, 2> kLayersWithoutAssembler = {"graph", "runtime"};
// Of the lower layers: what BURIN_EMITTER=OFF is built from. As in jit/CMakeLists.txt, all but these, ...
constexpr std::array<std::string_view, 5> kAssemblerFiles = {
    "jit/assembler.", "jit/disassembler.", "jit/role_column.", "jit/isa/", "jit/vector_isa."};
// ... and as in templates/CMakeLists.txt, these.
constexpr std::array<std::string_view, 9> kSpecFiles = {
    "_spec.",     "templates/formats/", "/activation_rows.", "/head_layout.",   "/activation_function.",
    "/row_norm.", "/stored_key.",       "/amx_parts.",       "/unpacked_shape."};
constexpr std::array<std::string_view, 3> kUnknownToJit = {"nlohmann", "pcre", "sentencepiece"};
constexpr std::string_view kAssembler = "xbyak";
constexpr std::array<std::string_view, 4> kOfTheHost = {"host_target", "host_features", "cpuid",
                                                        "Xbyak::util::Cpu"};

// One #include; `name` is empty where it is not written out (a macro).
struct Include {
  std::string name;
  std::size_t line;
};

struct SourceFile {
  std::string text;
  std::vector<Include> includes;
};

// By path from the root, with forward slashes.
using Tree = std::map<std::string, SourceFile>;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return result;
}

std::string_view without_leading_space(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t");
  return start == std::string_view::npos ? std::string_view{} : text.substr(start);
}

// What a line includes; nothing where it is no #include.
std::optional<std::string> included_by(std::string_view line) {
  line = without_leading_space(line);
  if (!line.starts_with('#')) return std::nullopt;
  line = without_leading_space(line.substr(1));
  if (!line.starts_with("include")) return std::nullopt;
  line = without_leading_space(line.substr(std::string_view("include").size()));
  if (line.empty() || (line.front() != '"' && line.front() != '<')) return "";
  const std::size_t end = line.find(line.front() == '"' ? '"' : '>', 1);
  return end == std::string_view::npos ? "" : std::string(line.substr(1, end - 1));
}

std::vector<Include> find_includes(std::string_view text) {
  std::vector<Include> includes;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (auto name = included_by(line)) includes.push_back({*name, number});
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return includes;
}

bool is_source(const fs::path& path) {
  static const std::set<std::string> endings = {".h", ".hpp", ".hh", ".inc", ".c", ".cc", ".cpp", ".cxx"};
  return endings.contains(path.extension().string()) || path.filename() == "CMakeLists.txt";
}

Tree read_tree(const fs::path& root) {
  Tree tree;
  for (const std::string_view layer : kLayers) {
    if (!fs::is_directory(root / layer)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / layer)) {
      if (!entry.is_regular_file() || !is_source(entry.path())) continue;
      std::ifstream stream(entry.path());
      SourceFile file;
      file.text.assign(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
      if (entry.path().filename() != "CMakeLists.txt") file.includes = find_includes(file.text);
      tree.emplace(entry.path().lexically_relative(root).generic_string(), std::move(file));
    }
  }
  return tree;
}

std::string_view layer_of(std::string_view path) { return path.substr(0, path.find('/')); }

// Height of a layer; below all of them for what is none (system headers, libraries).
std::ptrdiff_t height_of(std::string_view layer) {
  const auto found = std::find(kLayers.begin(), kLayers.end(), layer);
  return found == kLayers.end() ? -1 : found - kLayers.begin();
}

// The path from the root of what `file` includes as `name`: next to the file, else from the root, as the
// compiler looks it up. Also for files that do not exist: they would be refused all the same.
std::string resolve(const Tree& tree, const std::string& file, const std::string& name) {
  const std::string beside = (fs::path(file).parent_path() / name).lexically_normal().generic_string();
  return tree.contains(beside) || name.starts_with("..") ? beside
                                                         : fs::path(name).lexically_normal().generic_string();
}

template <std::size_t Count>
bool has_any(std::string_view path, const std::array<std::string_view, Count>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return path.find(part) != std::string_view::npos; });
}

bool is_without_assembler(std::string_view path) {
  const std::string_view layer = layer_of(path);
  if (layer == "jit") return !has_any(path, kAssemblerFiles);
  if (layer == "templates") return has_any(path, kSpecFiles);
  const auto& without = kLayersWithoutAssembler;
  return std::find(without.begin(), without.end(), layer) != without.end();
}

// Emission depends on the target that is asked for, never on the machine that emits.
bool is_emitter(std::string_view path) {
  const std::string_view layer = layer_of(path);
  return (layer == "templates" || layer == "jit") && !is_without_assembler(path);
}

class Checker {
 public:
  explicit Checker(const Tree& tree) : tree_(tree) {}

  std::vector<std::string> check() {
    for (const auto& [path, file] : tree_) {
      check_direction(path, file);
      check_assembler(path);
      check_mentions(path, file);
      check_host(path, file);
    }
    std::sort(broken_.begin(), broken_.end());
    return broken_;
  }

 private:
  void check_direction(const std::string& path, const SourceFile& file) {
    for (const Include& include : file.includes) {
      if (include.name.empty()) {
        broken_.push_back(fmt::format("{}:{}: an include that is not written out", path, include.line));
        continue;
      }
      const std::string target = resolve(tree_, path, include.name);
      if (height_of(layer_of(target)) > height_of(layer_of(path))) {
        broken_.push_back(fmt::format("{}:{}: {} includes {} of the layer above", path, include.line,
                                      layer_of(path), target));
      }
    }
  }

  void check_assembler(const std::string& path) {
    if (!is_without_assembler(path)) return;
    std::set<std::string> seen;
    const std::string way = way_to_assembler(path, seen);
    if (!way.empty()) {
      broken_.push_back(fmt::format("{}: {} gets to see the assembler: {}", path, layer_of(path), way));
    }
  }

  // "a.hpp -> b.hpp -> xbyak/xbyak.h"; empty where none leads there.
  std::string way_to_assembler(const std::string& path, std::set<std::string>& seen) {
    const auto file = tree_.find(path);
    if (file == tree_.end() || !seen.insert(path).second) return {};
    for (const Include& include : file->second.includes) {
      const std::string target = resolve(tree_, path, include.name);
      const bool ours = tree_.contains(target);
      const bool reached = !ours && lower(include.name).find(kAssembler) != std::string::npos;
      const std::string way = reached ? include.name : way_to_assembler(target, seen);
      if (!way.empty()) return fmt::format("{} -> {}", path, way);
    }
    return {};
  }

  void check_mentions(const std::string& path, const SourceFile& file) {
    if (layer_of(path) != "jit") return;
    const std::string text = lower(file.text);
    for (const std::string_view name : kUnknownToJit) {
      if (text.find(name) == std::string::npos) continue;
      broken_.push_back(fmt::format("{}: jit mentions {}", path, name));
    }
  }

  void check_host(const std::string& path, const SourceFile& file) {
    if (!is_emitter(path)) return;
    for (const std::string_view name : kOfTheHost)
      if (file.text.find(name) != std::string::npos)
        broken_.push_back(fmt::format("{}: an emitter asks for the host ({})", path, name));
  }

  const Tree& tree_;
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> broken_layer_rules(const fs::path& root) {
  const Tree tree = read_tree(root);
  return Checker(tree).check();
}

std::size_t count_layer_files(const fs::path& root) { return read_tree(root).size(); }

}  // namespace burin::tests
