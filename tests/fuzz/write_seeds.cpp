// Writes good files for the fuzzers to start from: one folder per fuzzer. Made-up ones, and what shared_seeds.hpp finds.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "graph/arch/architectures.hpp"
#include "graph/passes/passes.hpp"
#include "jit/bundle.hpp"
#include "jit/image_file.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/synthetic/description.hpp"
#include "tests/fuzz/files_in_one.hpp"
#include "tests/fuzz/fuzzed_session.hpp"
#include "tests/fuzz/shared_seeds.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/llama2c_writer.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/sentencepiece_writer.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;

// What fuzzers added to their folders in earlier runs goes: tests begin from the same files every time.
void write_seeds(const fs::path& folder, const Seeds& made_up, const Seeds& shared = {}) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  const auto write = [&](const char* name, const Seeds& seeds) {
    for (std::size_t i = 0; i < seeds.size(); ++i)
      std::ofstream(folder / fmt::format("{}-{}", name, i), std::ios::binary) << seeds[i];
  };
  write("made-up", made_up);
  write("shared", shared);
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
Seeds graph_seeds() {
  const TemporaryFolder folder;
  const auto file = runtime::ModelFile::open(folder.write("tiny.gguf", tiny_gguf(fuzzed_model()).bytes()));
  graph::Graph graph = graph::build_decoder(file->description()).graph;
  Seeds seeds = {to_text(graph)};
  graph::run_passes(graph);
  seeds.push_back(to_text(graph));
  return seeds;
}

// Between them, most of what templates can say.
Seeds chat_template_seeds() {
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

Seeds grammar_seeds() {
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

// One layer of each published model, for every architecture that Hugging Face folders are read of.
Seeds folder_seeds() {
  Seeds seeds;
  for (const std::string_view name : runtime::synthetic_names()) {
    const graph::ModelDescription model = runtime::synthetic_description(fmt::format("{}:1:64", name));
    if (model.origin != graph::Origin::hugging_face) continue;
    nlohmann::json config = model.config;
    config["architectures"] = {model.architecture};
    nlohmann::json header = nlohmann::json::object();
    std::int64_t end = 0;
    for (const graph::TensorDescription& tensor : model.tensors) {
      const std::int64_t begin = end;
      end += std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::int64_t{2}, std::multiplies<>());
      header[tensor.name] = {{"dtype", "F16"}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    }
    seeds.push_back(
        files_in_one({config.dump(), R"({"bos_token_id": 1, "eos_token_id": [2, 3]})",
                      R"({"add_bos_token": true, "eos_token": {"content": "</s>"}, "chat_template": "x"})",
                      header.dump()}));
  }
  return seeds;
}

std::string tiktoken_seed() { return "IQ== 0\nIg== 1\nIw== 2\nJA== 3\ndGg= 4\ndGhl 5\n"; }

std::string vocab_and_merges_seed() {
  const nlohmann::json model = tiny_tokenizer_json()["model"];
  std::string merges = "#version: 0.2\n";
  for (const nlohmann::json& merge : model["merges"]) merges += merge.get<std::string>() + "\n";
  return files_in_one({model["vocab"].dump(), merges});
}

// With the made-up tokenizer, and with published ones that have at least as many tokens.
Seeds llama2c_seeds(Seeds tokenizers) {
  for (std::string& tokenizer : tokenizers)
    tokenizer = files_in_one({tiny_llama2c(fuzzed_model()), tokenizer});
  return tokenizers;
}

// Before its first token, and when tokens were forgotten.
Seeds sequence_seeds() {
  const TemporaryFolder folder;
  const std::string path = (folder / "sequence").string();
  FuzzedSession saved = fuzzed_session();
  Seeds seeds;
  for (const int tokens : {0, 5, 90}) {
    for (int i = 0; i < tokens; ++i) {
      saved.session.evaluate(std::vector<runtime::TokenId>{kTinyFirstByte + 'a' + i % 20});
      saved.sampler.accept(kTinyFirstByte + 'a' + i % 20);
    }
    saved.session.save(path, &saved.sampler);
    seeds.push_back(read_bytes(path));
  }
  return seeds;
}

Seeds sentencepiece_seeds() {
  const SentencePieceWriter bpe;
  SentencePieceWriter unigram;
  unigram.kind = SentencePieceKind::unigram;
  unigram.character_map = CharacterMapWriter().bytes();
  unigram.removes_spaces = true;
  return {bpe.bytes(), unigram.bytes()};
}

Seeds gguf_seeds() {
  const GgufWriter gguf = tiny_gguf(fuzzed_model());
  GgufWriter older = gguf;
  older.version = 2;
  older.set("tokenizer.ggml.model", "gpt2");
  older.set("tokenizer.ggml.pre", "llama-bpe");
  older.set_array<std::string>("tokenizer.ggml.merges", {"t h", "th e", "i n"});
  return {gguf.bytes(), older.bytes()};
}

Seeds tokenizer_json_seeds() {
  nlohmann::json with_marks = tiny_tokenizer_json();
  with_marks["model"]["byte_fallback"] = true;
  with_marks["pre_tokenizer"] = {{"type", "Metaspace"}, {"prepend_scheme", "first"}};
  return {tiny_tokenizer_json().dump(), with_marks.dump()};
}

void write_model_seeds(const fs::path& root) {
  write_seeds(root / "gguf_fuzzer", gguf_seeds(), shared_gguf_headers());
  write_seeds(root / "safetensors_fuzzer", {tiny_shards(fuzzed_model(), 1)[0].bytes()}, shared_safetensors());
  write_seeds(root / "hugging_face_folder_fuzzer", folder_seeds(), shared_folders());
  write_seeds(root / "llama2c_fuzzer", llama2c_seeds({tiny_llama2c_tokenizer()}),
              llama2c_seeds(shared_llama2c_tokenizers()));
  write_seeds(root / "saved_sequence_fuzzer", sequence_seeds());
}

void write_tokenizer_seeds(const fs::path& root) {
  write_seeds(root / "tokenizer_json_fuzzer", tokenizer_json_seeds(), shared_tokenizer_json());
  write_seeds(root / "sentencepiece_fuzzer", sentencepiece_seeds(), shared_sentencepiece());
  write_seeds(root / "tiktoken_fuzzer", {tiktoken_seed()}, shared_tiktoken());
  write_seeds(root / "vocab_and_merges_fuzzer", {vocab_and_merges_seed()}, shared_vocab_and_merges());
  write_seeds(root / "text_fuzzer", {std::begin(kSampleTexts), std::end(kSampleTexts)});
}

void write_other_seeds(const fs::path& root) {
  write_seeds(root / "image_file_fuzzer", {image_seed("avx2", 1), image_seed("avx512vnni,avx512bf16", 300)});
  write_seeds(root / "bundle_fuzzer", {bundle_seed()});
  write_seeds(root / "graph_fuzzer", graph_seeds());
  write_seeds(root / "chat_template_fuzzer", chat_template_seeds(), shared_chat_templates());
  write_seeds(root / "grammar_fuzzer", grammar_seeds());
}

}  // namespace
}  // namespace burin::tests

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_seeds FOLDER\n", stderr);
    return 1;
  }
  burin::tests::write_model_seeds(argv[1]);
  burin::tests::write_tokenizer_seeds(argv[1]);
  burin::tests::write_other_seeds(argv[1]);
}
