#include "runtime/files/json_text.hpp"

#include <set>
#include <vector>

#include "jit/error.hpp"
#include "runtime/files/mapped_file.hpp"

namespace burin::runtime {
namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kLongestReason = 200;

// "[json.exception.parse_error.101] parse error at line 1, ...": the tag is of no use to anyone.
std::string_view without_tag(std::string_view message) {
  const std::size_t end = message.find("] ");
  return end == std::string_view::npos ? message : message.substr(end + 2);
}

}  // namespace

nlohmann::json parse_json_object(const std::string& path, std::string_view text) {
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto watch = [&](int depth, Event event, nlohmann::json& parsed) {
    if (depth > kDeepest) fail("{}: JSON is nested deeper than {}", path, kDeepest);
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second)
      fail("{}: JSON key '{}' stands twice", path, printable(parsed.get<std::string>()));
    return true;
  };
  if (!is_utf8(text)) fail("{}: JSON is not UTF-8", path);
  try {
    nlohmann::json value = nlohmann::json::parse(text, watch);
    if (!value.is_object()) fail("{}: JSON is {}: an object is expected", path, value.type_name());
    return value;
  } catch (const nlohmann::json::exception& error) {
    fail("{}: JSON is malformed: {}", path, printable(without_tag(error.what()), kLongestReason));
  }
}

}  // namespace burin::runtime
