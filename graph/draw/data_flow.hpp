// Which step makes what other steps read.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "graph/plan.hpp"

namespace burin::graph::draw {

inline constexpr int kPreparedRows = -1;  // in place of a buffer: rows prepared for the next matrices
inline constexpr std::ptrdiff_t kBefore = -1;

// What is in a buffer from one write to the next.
struct Content {
  int buffer = 0;                   // index into Plan::buffers, or kPreparedRows
  std::ptrdiff_t writer = kBefore;  // index of the (last) step that wrote it; kBefore: no step of these
  std::ptrdiff_t first_written = kBefore;
  std::vector<std::size_t> readers;  // ascending

  std::ptrdiff_t last_use() const {
    return readers.empty() ? writer : std::max(writer, static_cast<std::ptrdiff_t>(readers.back()));
  }
};

// Of consecutive steps. Steps of one name that write one buffer write it together. Contents are ordered by their
// writers.
std::vector<Content> contents_of(const std::vector<const Step*>& steps);

// Bytes of `rows` rows: of the buffer, or as prepared by `writer`.
std::uint64_t bytes_of(const Plan& plan, const Content& content, const Step* writer, std::int64_t rows);
std::string name_of(const Plan& plan, const Content& content);

std::vector<const Step*> pointers_to(const Program& program);

}  // namespace burin::graph::draw
