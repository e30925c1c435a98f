#include "templates/head_layout.hpp"

#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kKvNames[] = {"f32", "bf16"};

}  // namespace

void write_field(std::string& text, const HeadLayout& layout) {
  text += fmt::format("h{}.{}.{}.", layout.query_heads, layout.kv_heads, layout.head_size);
  jit::write_name(text, layout.kv, kKvNames);
}

void read_field(std::string_view text, HeadLayout& layout) {
  if (!text.starts_with('h')) fail("'{}': heads are written h32.8.128.bf16", text);
  text.remove_prefix(1);
  for (int* part : {&layout.query_heads, &layout.kv_heads, &layout.head_size}) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) fail("'{}': heads are written h32.8.128.bf16", text);
    jit::read_field(text.substr(0, dot), *part);
    if (*part < 1) fail("'{}': must be at least 1", text.substr(0, dot));
    text.remove_prefix(dot + 1);
  }
  jit::read_name(text, layout.kv, kKvNames);
}

}  // namespace burin::kernels
