#include "templates/head_layout.hpp"

#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kKvNames[] = {"f32", "f16", "bf16", "int8"};

int read_count(std::string_view text) {
  int count = 0;
  jit::read_field(text, count);
  if (count < 1) fail("'{}': must be at least 1", text);
  return count;
}

// "128", or "576v512".
void read_sizes(std::string_view text, HeadLayout& layout) {
  const std::size_t v = text.find('v');
  layout.head_size = read_count(text.substr(0, v));
  layout.value_size = v == std::string_view::npos ? 0 : read_count(text.substr(v + 1));
}

}  // namespace

void write_field(std::string& text, const KvStorage& storage) { jit::write_name(text, storage, kKvNames); }

void write_field(std::string& text, const HeadLayout& layout) {
  text += fmt::format("h{}.{}.{}", layout.query_heads, layout.kv_heads, layout.head_size);
  if (layout.value_size > 0) text += fmt::format("v{}", layout.value_size);
  text += '.';
  write_field(text, layout.kv);
}

void read_field(std::string_view text, HeadLayout& layout) {
  if (!text.starts_with('h')) fail("'{}': heads are written h32.8.128.bf16", text);
  text.remove_prefix(1);
  std::string_view parts[3];
  for (std::string_view& part : parts) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) fail("'{}': heads are written h32.8.128.bf16", text);
    part = text.substr(0, dot);
    text.remove_prefix(dot + 1);
  }
  layout.query_heads = read_count(parts[0]);
  layout.kv_heads = read_count(parts[1]);
  read_sizes(parts[2], layout);
  jit::read_name(text, layout.kv, kKvNames);
}

}  // namespace burin::kernels
