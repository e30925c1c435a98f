// A Jinja template, as chat templates are written: what Hugging Face's transformers render with Jinja2 in its
// sandbox (trim_blocks, lstrip_blocks, loop controls, tojson without HTML escapes, raise_exception, strftime_now),
// this renders to the same text. The language: https://jinja.palletsprojects.com/en/3.1.x/templates/
//
// Not supported, and refused by name with line and column: include, import, extends, block, do, autoescape,
// recursive loops, cycler, joiner, lipsum, formatting with % or format, `safe` but at the end of {{ }}, the filters
// batch, slice, groupby, escape and a few more, numbers of more than 63 bits.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/chat/jinja/limits.hpp"

namespace burin::runtime::jinja {

struct RenderOptions {
  Limits limits;
  std::optional<std::int64_t> unix_time;  // what strftime_now shows; the clock's where it is not given
};

// Immutable; thread-safe.
class Template {
 public:
  // `name` begins every message. Throws burin::Error "NAME: line L, column C: ..." for what is no template, and for
  // what is not supported.
  Template(std::string name, std::string_view source, const Limits& limits = {});
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  // `variables` is an object. Throws burin::Error like the constructor, for what Jinja would raise, for the template's
  // own raise_exception, and where a limit is reached.
  std::string render(const nlohmann::ordered_json& variables, const RenderOptions& options = {}) const;

 private:
  struct Tree;
  std::string name_;
  std::unique_ptr<const Tree> tree_;
};

}  // namespace burin::runtime::jinja
