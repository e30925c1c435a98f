// What nm says of a library.
#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace burin::tests {

struct Symbol {
  char type = '?';   // as nm has it: T code, U undefined, W weak ...
  std::string name;  // demangled
};

inline std::vector<Symbol> symbols(const std::string& nm_arguments) {
  std::FILE* pipe = popen(("nm -C " + nm_arguments + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("nm cannot be started");
  std::string text;
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof(buffer), pipe)) text.append(buffer, count);
  if (pclose(pipe) != 0) throw std::runtime_error("nm failed");
  std::vector<Symbol> list;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    constexpr std::size_t kAddress = 17;  // 16 digits, or spaces where there is none, and one more
    if (line.size() > kAddress + 2 && line[kAddress + 1] == ' ')
      list.push_back({line[kAddress], line.substr(kAddress + 2)});
  }
  return list;
}

}  // namespace burin::tests
