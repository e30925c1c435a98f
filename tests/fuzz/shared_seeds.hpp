// Seeds from the reference data beside the repository; all empty where it is missing. Files are cut where they are
// large: fuzzers are quick on small ones, and data of tensors says nothing to what reads headers.
#pragma once

#include <string>
#include <vector>

namespace burin::tests {

using Seeds = std::vector<std::string>;

Seeds shared_gguf_headers();
Seeds shared_safetensors();       // small ones as they are
Seeds shared_folders();           // as hugging_face_folder_fuzzer takes them
Seeds shared_tokenizer_json();    // with the first tokens only
Seeds shared_sentencepiece();     // small ones
Seeds shared_tiktoken();          // the first lines
Seeds shared_vocab_and_merges();  // the first tokens, as vocab_and_merges_fuzzer takes them
Seeds shared_llama2c_tokenizers();
Seeds shared_chat_templates();

}  // namespace burin::tests
