// Does with a file what happens before tensors are read: opens it, plans it, loads its tokenizer, encodes.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "graph/plan.hpp"
#include "jit/error.hpp"
#include "jit/target.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::tests {

inline constexpr std::string_view kSampleTexts[] = {
    "",
    "a",
    "The rain and the sea, there on the hill: 12345.",
    "  two  spaces\r\n\ttab ",
    "<s>marked</s> up",
    "caf\xc3\xa9 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x99\x82",
    "no UTF-8: \xff\x80 \xed\xa0\x80 \xc3",
};

inline void use_tokenizer(const runtime::Tokenizer& tokenizer) {
  for (const std::string_view text : kSampleTexts) {
    const std::vector<runtime::TokenId> ids = tokenizer.encode(text);
    tokenizer.decode(ids, true);
    runtime::StreamDecoder decoder(tokenizer, true);
    for (const runtime::TokenId id : ids) decoder.push(id);
    decoder.finish();
  }
}

inline graph::Plan plan_for_avx2(const runtime::ModelFile& model) {
  return graph::make_plan(model.description(), jit::parse_target("avx2"), {});
}

// Returns the messages of all burin::Errors; other exceptions pass through. A model that cannot be planned
// may still have a tokenizer, which is then used too.
inline std::vector<std::string> use_model(const std::filesystem::path& path) {
  std::vector<std::string> refusals;
  const auto attempt = [&](auto&& work) {
    try {
      work();
    } catch (const Error& error) {
      refusals.emplace_back(error.what());
    }
  };
  attempt([&] {
    const std::unique_ptr<runtime::ModelFile> model = runtime::ModelFile::open(path);
    for (std::size_t i = 0; i < model->description().tensors.size(); ++i) {
      const graph::TensorDescription& tensor = model->description().tensors[i];
      const std::span<const std::byte> data = model->tensor_data(i);
      if (!tensor.coded &&
          data.size() != tensor.bytes)  // of coded ones, there are scales and more beside the data
        throw std::logic_error("tensor of another size");
    }
    attempt([&] { plan_for_avx2(*model); });
    attempt([&] { use_tokenizer(*runtime::Tokenizer::load(*model)); });
  });
  return refusals;
}

}  // namespace burin::tests
