/// @file
/// The Burin runtime inside other programs, from C++20. See docs/EMBEDDING.md for a tour.
///
///     auto model = burin::Model::load("model.gguf");
///     if (!model) return report(model.error().message);
///     auto session = burin::Session::create(*model);
///     auto text = session->generate("Once upon a time", {.max_new_tokens = 100});
///
/// No function throws, prints, exits, or changes anything of the process or of the host's threads (signal
/// handlers, locale, rounding mode, affinity). Errors come back as burin::Result. Threads that the library
/// starts sleep between calls, leave signals to the host, and end with their session.
#pragma once

#include "burin/executor.hpp"
#include "burin/model.hpp"
#include "burin/options.hpp"
#include "burin/result.hpp"
#include "burin/session.hpp"
#include "burin/streamer.hpp"
#include "burin/tokenizer.hpp"

namespace burin {

/// "MAJOR.MINOR.PATCH" of the library that runs; a literal, valid for ever.
BURIN_API std::string_view version() noexcept;

}  // namespace burin
