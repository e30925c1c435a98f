// Writes good files for the fuzzers to start from: one folder per fuzzer.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "graph/arch/architectures.hpp"
#include "graph/passes/passes.hpp"
#include "jit/bundle.hpp"
#include "jit/image_file.hpp"
#include "runtime/files/model_file.hpp"
#include "tests/fuzz/fuzzed_model.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;

// What fuzzers added to their folders in earlier runs goes: tests begin from the same files every time.
void write_seeds(const fs::path& folder, const std::vector<std::string>& seeds) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (std::size_t i = 0; i < seeds.size(); ++i)
    std::ofstream(folder / fmt::format("seed-{}", i), std::ios::binary) << seeds[i];
}

jit::CodeImage made_image(const char* features, std::size_t length) {
  return {
      "gemm-k.32-n.64", jit::parse_target(features).features, 1, std::vector<std::uint8_t>(length, 0xc3), {}};
}

std::string bundle_seed() {
  const std::vector<jit::BundleTarget> targets = {{jit::parse_target("haswell"), "a model"},
                                                  {jit::parse_target("znver4"), "another"}};
  const std::vector<std::uint8_t> file =
      jit::bundle_file(targets, {made_image("haswell", 2), made_image("znver4", 9)}, jit::this_emitter());
  return {file.begin(), file.end()};
}

std::string image_seed(const char* features, std::size_t length) {
  const jit::CodeImage image = made_image(features, length);
  const std::vector<std::uint8_t> file =
      jit::image_file({image.name, image.features}, image, jit::this_emitter());
  return {file.begin(), file.end()};
}

// Before and after the passes.
std::vector<std::string> graph_seeds() {
  const TemporaryFolder folder;
  const auto file = runtime::ModelFile::open(folder.write("tiny.gguf", tiny_gguf(fuzzed_model()).bytes()));
  graph::Graph graph = graph::build_decoder(file->description()).graph;
  std::vector<std::string> seeds = {to_text(graph)};
  graph::run_passes(graph);
  seeds.push_back(to_text(graph));
  return seeds;
}

// Between them, most of what templates can say.
std::vector<std::string> chat_template_seeds() {
  return {
      "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' ~ message.content | trim }}{% endfor "
      "%}"
      "{%- if add_generation_prompt %}{{ bos_token }}{% endif %}",
      "{%- macro show(x, depth=0) -%}{% if x is mapping %}{% for k, v in x | dictsort %}{{ '  ' * depth }}{{ "
      "k }}: "
      "{{ show(v, depth=depth + 1) }}{% endfor %}{% else %}{{ x | string | indent(2, true) }}{% endif %}{%- "
      "endmacro "
      "-%}{{ show(tools[0]) }}{% call show() %}a{% endcall %}",
      "{% set ns = namespace(n=0, l=[]) %}{% for m in messages[::-1] if m.content is string %}{% set ns.n = "
      "ns.n + "
      "loop.index0 %}{% set ns.l = ns.l + [m.content.split(' ')[0][:3].upper()] %}{% if loop.last %}{% break "
      "%}{% "
      "endif %}{% else %}none{% endfor %}{{ ns.n // 2 }}{{ ns.l | map('lower') | join(', ') }}",
      "{% raw %}{{ x }}{% endraw %}{# c #}{% set b | replace('a', 'b') %}a{{ 1.5e3 | round(1) }}{% endset "
      "%}{{ b }}"
      "{{ tools | tojson(indent=2) }}{{ messages | selectattr('role', 'equalto', 'user') | list | length }}"
      "{% filter upper %}x{% endfilter %}{% with a = 1 %}{{ a if a > 0 and not b in 'c' else -a ** 2 }}{% "
      "endwith %}"
      "{{ range(9)[2:8:2] | sort(reverse=true) | unique | first }}{{ {'a': (1, 2)}.items() | list }}"};
}

std::vector<std::string> grammar_seeds() {
  return {
      "root ::= (\"a\" | [b-dé] x{2,3})* y? # c\nx ::= \"[\" x? \"]\" | \"\\x41\\u00e9\"\ny ::= . [^\\n]+ "
      "(<think> | !<[3]>)",
      "root ::= value\nvalue ::= \"[\" (value (\",\" value)*)? \"]\" | \"\\\"\" [^\\\"]{0,9} \"\\\"\" | "
      "[0-9]+",
      R"({"type": "object", "properties": {"a": {"type": "integer", "minimum": -5, "exclusiveMaximum": 120}, "b/é": {"enum": ["x", null,
      1.5]}, "c": {"$ref": "#/$defs/t"}}, "required": ["a"], "additionalProperties": {"type": ["null", "boolean"]}, "$defs": {"t":
      {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/t"}, "minItems": 1, "maxItems": 3}, {"const": true}]}}})",
      R"({"prefixItems": [{"pattern": "^(a|[^b-d\\w])*?\\d{2,3}.$"}, {"format": "date-time"}, {"minLength": 2, "maxLength": 5}],
      "items": {"oneOf": [{}, {"type": "number"}]}})"};
}

void write_all_seeds(const fs::path& root) {
  GgufWriter gguf = tiny_gguf(fuzzed_model());
  GgufWriter older = gguf;
  older.version = 2;
  older.set("tokenizer.ggml.model", "gpt2");
  older.set("tokenizer.ggml.pre", "llama-bpe");
  older.set_array<std::string>("tokenizer.ggml.merges", {"t h", "th e", "i n"});
  write_seeds(root / "gguf_fuzzer", {gguf.bytes(), older.bytes()});
  write_seeds(root / "safetensors_fuzzer", {tiny_shards(fuzzed_model(), 1)[0].bytes()});
  nlohmann::json with_marks = tiny_tokenizer_json();
  with_marks["model"]["byte_fallback"] = true;
  with_marks["pre_tokenizer"] = {{"type", "Metaspace"}, {"prepend_scheme", "first"}};
  write_seeds(root / "tokenizer_json_fuzzer", {tiny_tokenizer_json().dump(), with_marks.dump()});
  write_seeds(root / "image_file_fuzzer", {image_seed("avx2", 1), image_seed("avx512vnni,avx512bf16", 300)});
  write_seeds(root / "bundle_fuzzer", {bundle_seed()});
  write_seeds(root / "graph_fuzzer", graph_seeds());
  write_seeds(root / "chat_template_fuzzer", chat_template_seeds());
  write_seeds(root / "grammar_fuzzer", grammar_seeds());
  write_seeds(root / "text_fuzzer", {std::begin(kSampleTexts), std::end(kSampleTexts)});
}

}  // namespace
}  // namespace burin::tests

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_seeds FOLDER\n", stderr);
    return 1;
  }
  burin::tests::write_all_seeds(argv[1]);
}
