// Options that several subcommands share.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "runtime/session.hpp"

namespace burin::tools {

// As the user wrote them.
struct CommonOptions {
  std::string model;
  int threads = 0;
  std::string target = "detect";
  std::string compute = "auto";
  std::string kv = "auto";
  std::string weights;
  std::int64_t group = 0;
  std::string scheme;
  std::string scale;
  std::string cache;
  std::string kept_weights = "on";
  std::vector<std::string> kernels;
  bool no_emit = false;
  std::string log = "warn";
  std::int64_t context = 0;
  std::int64_t chunk = 0;
  std::optional<std::int64_t> keep;
  std::optional<std::int64_t> discard;
  bool json = false;

  bool logs_info() const { return log == "info" || log == "debug"; }
};

// MODEL and what decides how it is computed.
void add_model_option(CLI::App& command, CommonOptions& options);
void add_compute_options(CLI::App& command, CommonOptions& options);
void add_cache_option(CLI::App& command, CommonOptions& options);
// --keep and --discard: what goes when the context is full.
void add_streaming_options(CLI::App& command, CommonOptions& options);
void add_json_option(CLI::App& command, CommonOptions& options);

// Checks and translates. Throws UsageError for contradictions, Error for what is not supported, by name.
runtime::LoadOptions load_options(const CommonOptions& options);
graph::PlanOptions plan_options(const CommonOptions& options);

// Endless where one of the streaming options is given. Throws UsageError where they do not fit the context.
runtime::SessionOptions session_options(const CommonOptions& options, const runtime::Model& model);
// A session with them, and a note where discarding costs more than it usually does.
std::unique_ptr<runtime::Session> make_session(const CommonOptions& options,
                                               const std::shared_ptr<const runtime::Model>& model);

// What --cache says, or the default; empty: off, or the environment names no place.
std::string cache_folder(const CommonOptions& options);

// Prints what the log level asks for: how the model is computed, and trouble with the kernel cache.
void print_notes(const CommonOptions& options, const runtime::Model& model);
// Loads with a progress bar on a terminal, and prints notes.
std::shared_ptr<const runtime::Model> load_model(const CommonOptions& options);
// The same where something was wanted of the file before.
std::shared_ptr<const runtime::Model> load_model(const CommonOptions& options, runtime::OpenedModel opened);

// "1,2,3" or "@FILE". Throws UsageError naming the part that is no token id.
std::vector<runtime::TokenId> parse_tokens(const std::string& text);
// The whole file; throws Error where it cannot be read.
std::string read_file(const std::string& path);
// One JSON object on one line.
void print_json(const nlohmann::json& object);

}  // namespace burin::tools
