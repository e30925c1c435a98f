#include "tools/commands/kernel/share_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "tools/commands/bench/median.hpp"

namespace burin::tools {
namespace {

using Words = std::vector<std::string>;

Words split(std::string_view text, char separator) {
  Words words;
  for (std::size_t end = 0; end != std::string_view::npos;
       text.remove_prefix(std::min(end + 1, text.size()))) {
    end = text.find(separator);
    words.emplace_back(text.substr(0, end));
  }
  return words;
}

std::string joined(const Words& words, std::size_t first) {
  const auto begin = words.begin() + static_cast<std::ptrdiff_t>(std::min(first, words.size()));
  return fmt::format("{}", fmt::join(begin, words.end(), "/"));
}

struct Place {
  std::string section, line, column;
};

// A format's codes and scales in the line, its groups in the column: int4s.g32.f16 in int4s.f16, g32.
Place place_of_format(std::string section, const std::string& weights) {
  const Words parts = split(weights, '.');
  if (parts.size() < 3) return {std::move(section), weights, "no groups"};
  return {std::move(section), parts[0] + "." + parts[2], parts[1]};
}

// By the axes of the kinds (templates/manifest): what has all formats gets a table of formats and groups.
Place place_of(const std::string& name) {
  const Words words = split(name, '/');
  const std::string& kind = words[0];
  if (kind == "gemm") {
    const std::string section = fmt::format("GEMM, {}, {}", words[2], words[3]);
    if (words[4] == "store") return place_of_format(section, words[1]);
    return {section + ": prologues and epilogues", joined(words, 4), words[1]};
  }
  if (kind == "prepare") {
    const std::string section = fmt::format("Prepared rows, {}", words[2]);
    if (words.size() == 4 && words[3] == "none") return place_of_format(section, words[1]);
    return {section + ": norms and gathering", joined(words, 3), words[1]};
  }
  if (kind == "embed") {
    if (words.size() == 2) return place_of_format("Embedding", words[1]);
    return {"Embedding: variants", joined(words, 2), words[1]};
  }
  if (kind == "attention")
    return {"Attention, one row of one KV head", words[1] + "/" + joined(words, 4),
            words[2] + " cache, " + words[3]};
  if (kind == "heads" || kind == "latent")
    return {kind == "heads" ? "Heads" : "Latent rows", joined(words, 2), words[1] + " cache"};
  return {kind == "rowwise" ? "Rows" : "Routes", joined(words, 1), "all"};
}

// Of the table: in the order in which rows name them.
class Names {
 public:
  void add(const std::string& name) {
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
  }
  auto begin() const { return names_.begin(); }
  auto end() const { return names_.end(); }
  const std::vector<std::string>& all() const { return names_; }

 private:
  std::vector<std::string> names_;
};

struct Section {
  Names lines, columns;
  std::map<std::pair<std::string, std::string>, KernelTime> times;

  void add(const Place& place, const KernelTime& time) {
    lines.add(place.line);
    columns.add(place.column);
    times.emplace(std::pair(place.line, place.column), time);
  }
  // Most of its kernels are bound by memory.
  bool by_memory() const {
    const auto memory =
        std::count_if(times.begin(), times.end(), [](const auto& entry) { return entry.second.by_memory(); });
    return 2 * static_cast<std::size_t>(memory) >= times.size();
  }
  std::vector<double> shares() const {
    std::vector<double> shares;
    for (const auto& [place, time] : times) shares.push_back(100 * time.share());
    return shares;
  }
};

std::string cell_of(const Section& section, const std::string& line, const std::string& column) {
  const auto found = section.times.find({line, column});
  if (found == section.times.end()) return "";
  const double rate = section.by_memory() ? found->second.gb_s() : found->second.gmac_s();
  return fmt::format("{:.0f} ({:.{}f})", 100 * found->second.share(), rate, rate < 100 ? 1 : 0);
}

std::string table_of(const Section& section) {
  std::string text = fmt::format("| | {} |\n|---|", fmt::join(section.columns.all(), " | "));
  for (std::size_t i = 0; i < section.columns.all().size(); ++i) text += "---:|";
  text += "\n";
  for (const std::string& line : section.lines) {
    text += fmt::format("| {} |", line);
    for (const std::string& column : section.columns)
      text += fmt::format(" {} |", cell_of(section, line, column));
    text += "\n";
  }
  return text;
}

std::string overview_line(const std::string& name, const Section& section) {
  const std::vector<double> shares = section.shares();
  const auto [least, most] = std::minmax_element(shares.begin(), shares.end());
  return fmt::format("| {} | {} | {} | {:.0f} | {:.0f} | {:.0f} |\n", name, shares.size(),
                     section.by_memory() ? "memory" : "arithmetic", median(shares), *least, *most);
}

}  // namespace

std::string share_tables(const std::vector<TimedRow>& rows) {
  Names names;
  std::map<std::string, Section> sections;
  for (const TimedRow& row : rows) {
    const Place place = place_of(row.name);
    names.add(place.section);
    sections[place.section].add(place, row.time);
  }
  std::string text =
      "| kernels | rows | bound by | median share | least | most |\n|---|---:|---|---:|---:|---:|\n";
  for (const std::string& name : names) text += overview_line(name, sections[name]);
  for (const std::string& name : names) {
    const Section& section = sections[name];
    text += fmt::format("\n## {}\n\nShare of the limit in % ({})\n\n{}", name,
                        section.by_memory() ? "GB/s" : "GMAC/s", table_of(section));
  }
  return text;
}

}  // namespace burin::tools
