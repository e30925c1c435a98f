// Embedding rows of a made-up table, by a kernel and by the plain decoder of the packed layout.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "jit/spec_text.hpp"
#include "templates/embed/embed_spec.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/packed_matrix.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {

inline constexpr std::int64_t kEmbedVocabulary = 70;

// Tokens are below kEmbedVocabulary.
inline void check_embed(const WeightFormat& format, bool scaled, std::int64_t width,
                        const std::vector<std::int32_t>& tokens, const jit::Target& target) {
  constexpr float kUntouched = 12345.0f;
  constexpr float kFactor = 2.5f;
  constexpr std::int64_t kGap = 3;  // floats between rows
  tests::RandomValues random(static_cast<std::uint64_t>(width));
  const tests::PackedMatrix table(format, width, kEmbedVocabulary, random);
  const std::int64_t padded = table.shape().padded_inputs;
  const auto rows = static_cast<std::int64_t>(tokens.size());
  EmbedSpec spec;
  spec.width = width;
  spec.vocabulary = table.shape().columns;
  spec.weights = format;
  spec.scaled = scaled;
  spec.output_stride = padded + kGap;
  SCOPED_TRACE(jit::spec_text(spec) + " target " + target.name);

  const tests::GuardedBuffer ids(tokens.size() * 4, 4);
  std::copy(tokens.begin(), tokens.end(), ids.as<std::int32_t>());
  const tests::GuardedBuffer output(static_cast<std::size_t>(spec.output_stride * rows - kGap) * 4, 4);
  std::fill_n(output.as<float>(), output.size() / 4, kUntouched);
  const EmbedArguments arguments = {table.bytes(), ids.as<std::int32_t>(), output.as<float>(), rows,
                                    spec.scaled ? kFactor : 0};
  tests::run_kernel(emit_embed(spec, target), arguments);

  for (std::int64_t row = 0; row < rows; ++row) {
    const float* written = output.as<float>() + row * spec.output_stride;
    const std::int32_t token = tokens[static_cast<std::size_t>(row)];
    for (std::int64_t i = 0; i < width; ++i) {
      // scale * code + minimum may be rounded once or twice; all else is exact.
      const float expected = table.value(i, token) * (spec.scaled ? kFactor : 1);
      const double slack = format.symmetric ? 0 : 3e-8;
      ASSERT_NEAR(static_cast<double>(written[i]), static_cast<double>(expected), slack)
          << "row " << row << " token " << token << " input " << i;
    }
    // What reads the row takes the inputs up to the padded length for zeros.
    for (std::int64_t i = width; i < padded; ++i)
      ASSERT_EQ(written[i], 0.0f) << "row " << row << " padding " << i;
    for (std::int64_t i = 0; i < kGap && row + 1 < rows; ++i)
      ASSERT_EQ(written[padded + i], kUntouched) << "behind row " << row;
  }
}

}  // namespace burin::kernels
