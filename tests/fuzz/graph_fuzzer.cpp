// Arbitrary bytes as the text of a graph: what parses is printed and parsed again alike.
#include "graph/ir_parse.hpp"
#include "tests/fuzz/expect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin;
  tests::use_or_refuse([&] {
    const std::string text =
        to_text(graph::parse_graph(std::string_view(reinterpret_cast<const char*>(data), size)));
    tests::expect(to_text(graph::parse_graph(text)) == text, "text is the same once more");
  });
  return 0;
}
