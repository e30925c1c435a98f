#include "tests/golden/hot_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace burin::tests {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(std::move(line));
  return lines;
}

bool is_label(const std::string& line) { return line.starts_with('L'); }
bool begins_loop(const std::string& line) { return line.find(":  ; loop") != std::string::npos; }

// Bars before an instruction.
std::size_t depth_of(const std::string& line) {
  std::size_t depth = 0;
  while (line.compare(2 + 2 * depth, 2, "| ") == 0) ++depth;
  return depth;
}

// The instructions and labels of the loop that begins there.
Lines loop_from(const Lines& lines, std::size_t first) {
  const std::size_t depth = depth_of(lines[first + 1]);
  Lines loop = {lines[first]};
  for (std::size_t at = first + 1; at < lines.size(); ++at) {
    if (!is_label(lines[at]) && depth_of(lines[at]) < depth) break;
    loop.push_back(lines[at]);
  }
  while (is_label(loop.back())) loop.pop_back();  // of what comes behind it
  return loop;
}

bool is_innermost(const Lines& loop) { return std::none_of(loop.begin() + 1, loop.end(), begins_loop); }

// The number of its label is that of the loops before it.
std::string without_number(std::string line, const std::string& label) {
  const std::size_t at = line.rfind(label);
  const bool whole =
      at != std::string::npos && (at + label.size() == line.size() || line[at + label.size()] == ':');
  return whole ? line.replace(at, label.size(), "L") : line;
}

// Code of the longer one of two loops, of those that lie deeper where `deeper` says so.
void keep_longer(Lines& kept, const Lines& loop, bool deeper) {
  const std::size_t depth = kept.empty() ? 0 : depth_of(kept[1]);
  const std::size_t other = depth_of(loop[1]);
  const bool longer = loop.size() > kept.size();
  if (deeper ? other > depth || (other == depth && longer) : longer) kept = loop;
}

std::string excerpt(const Lines& loop) {
  const std::string label = loop.front().substr(0, loop.front().find(':'));
  std::string text;
  for (const std::string& line : loop) text += without_number(line, label) + "\n";
  return text;
}

}  // namespace

std::string hot_loop(const std::string& text) {
  const Lines lines = lines_of(text);
  std::string outline = "loops:\n";
  Lines longest;
  Lines deepest;
  for (std::size_t at = 0; at + 1 < lines.size(); ++at) {
    if (!begins_loop(lines[at])) continue;
    const std::string summary = lines[at].substr(lines[at].find("loop"));
    outline += fmt::format("{:>{}}{}\n", "", 2 * depth_of(lines[at + 1]), summary);
    const Lines loop = loop_from(lines, at);
    if (!is_innermost(loop)) continue;
    keep_longer(longest, loop, false);
    keep_longer(deepest, loop, true);
  }
  if (longest.empty()) return outline;
  outline += "\nthe longest innermost one:\n" + excerpt(longest);
  if (deepest != longest) outline += "\nthe deepest one:\n" + excerpt(deepest);
  return outline;
}

}  // namespace burin::tests
