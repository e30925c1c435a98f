#include "tools/commands/eval_trace.hpp"

#include <fmt/format.h>

#include "runtime/trace.hpp"

namespace burin::tools {
namespace {

std::string rows_text(const runtime::StepRecord& record) {
  if (record.rows == 1) return fmt::format("{}", record.position);
  return fmt::format("{}-{}", record.position, record.position + record.rows - 1);
}

// "L2 12.3456789 max 1.23456789", or why there are none.
std::string norms_text(const runtime::StepRecord& record) {
  if (record.norms) return fmt::format("{:<14.9g} {:<14.9g}", record.norms->l2, record.norms->largest);
  return fmt::format("{:<29}", record.partial ? "more columns follow" : "prepared rows");
}

}  // namespace

void print_trace(runtime::Session& session, std::span<const runtime::TokenId> tokens) {
  fmt::print("{:<8} {:<9} {:<32} {:<14} {:<14} {:<16}  {}\n", "program", "positions", "step", "L2", "max |x|",
             "checksum", "kernel");
  session.trace(tokens, [](const runtime::StepRecord& record) {
    fmt::print("{:<8} {:<9} {:<32} {} {:<16}  {}\n", record.program, rows_text(record), record.step->name,
               norms_text(record), record.checksum.empty() ? "-" : record.checksum, record.step->kernel);
  });
}

nlohmann::json trace_json(runtime::Session& session, std::span<const runtime::TokenId> tokens) {
  nlohmann::json steps = nlohmann::json::array();
  session.trace(tokens, [&](const runtime::StepRecord& record) {
    nlohmann::json step = {{"program", record.program},     {"position", record.position},
                           {"rows", record.rows},           {"name", record.step->name},
                           {"kernel", record.step->kernel}, {"partial", record.partial},
                           {"checksum", record.checksum}};
    if (record.norms) {
      step["width"] = record.norms->width;
      step["l2"] = record.norms->l2;
      step["max"] = record.norms->largest;
    }
    steps.push_back(std::move(step));
  });
  return steps;
}

}  // namespace burin::tools
