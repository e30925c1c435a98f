// Names of kernels: every kind of spec round-trips, wrong names say what is wrong.
#include "jit/spec_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "templates/attention/attention_spec.hpp"
#include "templates/embed/embed_spec.hpp"
#include "templates/gemm/gemm_spec.hpp"
#include "templates/prepare/prepare_spec.hpp"
#include "templates/probe/probe_spec.hpp"
#include "templates/route/route_spec.hpp"
#include "tests/support/weight_formats.hpp"

namespace burin {
namespace {

using jit::parse_spec;
using jit::spec_text;
using kernels::AttentionSpec;
using kernels::EmbedSpec;
using kernels::GemmSpec;
using kernels::PrepareSpec;
using kernels::ProbeSpec;
using kernels::WeightFormat;
using testing::AllOf;
using testing::HasSubstr;

template <typename Spec>
void expect_round_trip(const Spec& spec, std::string_view text) {
  EXPECT_EQ(spec_text(spec), text);
  EXPECT_EQ(parse_spec<Spec>(text), spec);
}

template <typename Spec>
void expect_round_trip(const Spec& spec) {
  expect_round_trip(spec, spec_text(spec));
}

template <typename Spec>
std::string error_of(std::string_view text) {
  try {
    parse_spec<Spec>(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

const WeightFormat kInt5 = WeightFormat::integer_format(5, false, 64, kernels::ScaleType::bf16);

// No field has its default, so that none can be forgotten.
TEST(SpecText, EveryKindRoundTrips) {
  GemmSpec gemm;
  gemm.inputs = 4096;
  gemm.columns = 6144;
  gemm.weights = kInt5;
  gemm.activation = kernels::Activation::s8;
  gemm.regime = kernels::GemmRegime::tiles;
  gemm.norm = kernels::RowNorm::rms;
  gemm.epilogue = kernels::GemmEpilogue::gate;
  gemm.function = kernels::ActivationFunction::silu;
  gemm.bias = true;
  gemm.output_stride = 3072;
  gemm.heads = {32, 8, 128, kernels::KvStorage::bf16};
  expect_round_trip(
      gemm,
      "gemm-k.4096-n.6144-w.int5a.g64.bf16-a.s8-m.tiles-norm.rms-out.gate-f.silu-bias.1-scaled.0-os.3072-"
      "heads.h32.8.128.bf16");

  PrepareSpec prepare;
  prepare.inputs = 300;
  prepare.weights = kInt5;
  prepare.activation = kernels::Activation::s8;
  prepare.norm = kernels::RowNorm::rms;
  prepare.input_stride = 320;
  expect_round_trip(prepare, "prepare-k.300-w.int5a.g64.bf16-a.s8-norm.rms-is.320-gather.0");

  EmbedSpec embed;
  embed.width = 288;
  embed.vocabulary = 32000;
  embed.weights = kInt5;
  embed.output_stride = 320;
  expect_round_trip(embed, "embed-k.288-n.32000-w.int5a.g64.bf16-scaled.0-os.320");

  AttentionSpec attention;
  attention.heads = {6, 2, 48, kernels::KvStorage::bf16};
  attention.math = kernels::AttentionMath::bf16;
  attention.window = 4096;
  attention.soft_cap = attention.sinks = true;
  expect_round_trip(
      attention,
      "attention-heads.h6.2.48.bf16-math.bf16-window.4096-cap.1-alibi.0-sinks.1-parts.0-factors.0");

  kernels::RouteSpec route;
  route.experts = 160;
  route.used = 6;
  route.normalise = true;
  route.groups = 8;
  route.groups_used = 3;
  route.input_stride = 160;
  expect_round_trip(route, "route-n.160-top.6-norm.1-groups.8-topgroups.3-is.160-os.32");

  expect_round_trip(ProbeSpec{kernels::Probe::dot_int8}, "probe-of.dot_int8");
}

TEST(SpecText, EveryNameRoundTrips) {
  for (const WeightFormat& weights : tests::all_formats()) {
    EmbedSpec spec;
    spec.weights = weights;
    expect_round_trip(spec);
  }
  for (const auto epilogue : {kernels::GemmEpilogue::store, kernels::GemmEpilogue::add,
                              kernels::GemmEpilogue::gate, kernels::GemmEpilogue::rope_kv,
                              kernels::GemmEpilogue::clamped_gate, kernels::GemmEpilogue::add_scaled})
    for (const auto regime : {kernels::GemmRegime::stream, kernels::GemmRegime::tiles}) {
      GemmSpec spec;
      spec.epilogue = epilogue;
      spec.regime = regime;
      expect_round_trip(spec);
    }
  for (const auto activation :
       {kernels::Activation::f32, kernels::Activation::s8, kernels::Activation::s8row})
    for (const auto norm : {kernels::RowNorm::none, kernels::RowNorm::rms}) {
      PrepareSpec spec;
      spec.activation = activation;
      spec.norm = norm;
      expect_round_trip(spec);
    }
  for (const auto kv : {kernels::KvStorage::f32, kernels::KvStorage::bf16})
    for (const auto math :
         {kernels::AttentionMath::f32, kernels::AttentionMath::bf16, kernels::AttentionMath::amx,
          kernels::AttentionMath::int8, kernels::AttentionMath::int16}) {
      AttentionSpec spec;
      spec.heads.kv = kv;
      spec.math = math;
      expect_round_trip(spec);
    }
  for (const auto probe : {kernels::Probe::dot_int8, kernels::Probe::read})
    expect_round_trip(ProbeSpec{probe});
}

TEST(SpecText, DifferentSpecsHaveDifferentTexts) {
  const EmbedSpec embed;
  EmbedSpec wider = embed;
  wider.width = 64;
  EXPECT_NE(spec_text(embed), spec_text(wider));
  EmbedSpec other_stride = embed;
  other_stride.output_stride = 64;
  EXPECT_NE(spec_text(wider), spec_text(other_stride));
}

TEST(SpecText, WrongTextsAreNamed) {
  constexpr std::string_view kFine = "embed-k.32-n.64-w.f16-scaled.0-os.32";
  ASSERT_EQ(error_of<EmbedSpec>(kFine), "no error");
  EXPECT_THAT(error_of<PrepareSpec>(kFine), AllOf(HasSubstr(kFine), HasSubstr("not of kind prepare")));
  EXPECT_THAT(error_of<EmbedSpec>(""), HasSubstr("not of kind embed"));
  EXPECT_THAT(error_of<EmbedSpec>("embed"), HasSubstr("field 'k' expected at ''"));
  EXPECT_THAT(error_of<EmbedSpec>("embedding-k.32-n.64-w.f16-os.32"),
              HasSubstr("field 'k' expected at 'ding-"));
  // Left out, out of order, unknown, doubled.
  EXPECT_THAT(error_of<EmbedSpec>("embed-k.32-w.f16-scaled.0-os.32"),
              HasSubstr("field 'n' expected at '-w.f16-scaled.0-os.32'"));
  EXPECT_THAT(error_of<EmbedSpec>("embed-n.64-k.32-w.f16-scaled.0-os.32"), HasSubstr("field 'k' expected"));
  EXPECT_THAT(error_of<EmbedSpec>("embed-k.32-n.64-w.f16-scaled.0"), HasSubstr("field 'os' expected at ''"));
  EXPECT_THAT(error_of<EmbedSpec>("embed-k.32-n.64-w.f16-scaled.0-os.32-x.1"),
              HasSubstr("'-x.1' is left over"));
  EXPECT_THAT(error_of<EmbedSpec>("embed-k.32-n.64-w.f16-scaled.0-os.32-"), HasSubstr("'-' is left over"));
}

TEST(SpecText, WrongValuesAreNamed) {
  const auto with_width = [](std::string_view width) {
    return error_of<EmbedSpec>(fmt::format("embed-k.{}-n.64-w.f16-scaled.0-os.32", width));
  };
  for (const std::string_view width : {"", "x", "32x", " 32", "+32", "3.2", "99999999999999999999"})
    EXPECT_THAT(with_width(width), HasSubstr(fmt::format("field 'k': '{}' is not a number", width)));
  // A dash ends a field, so a negative number is no number.
  EXPECT_THAT(with_width("-32"), HasSubstr("field 'k': '' is not a number"));

  const auto with_weights = [](std::string_view weights) {
    return error_of<EmbedSpec>(fmt::format("embed-k.32-n.64-w.{}-scaled.0-os.32", weights));
  };
  EXPECT_THAT(with_weights("f17"), AllOf(HasSubstr("field 'w'"), HasSubstr("'f17'")));
  EXPECT_THAT(with_weights("int9s.g32.f16"), HasSubstr("9 bits are too many"));
  EXPECT_THAT(with_weights("int0s.g32.f16"), HasSubstr("'0' is not a positive number"));
  EXPECT_THAT(with_weights("int4x.g32.f16"), HasSubstr("scheme 'x'"));
  EXPECT_THAT(with_weights("int4s.32.f16"), HasSubstr("'int4s.32.f16': unknown"));
  EXPECT_THAT(with_weights("int4s.g0.f16"), HasSubstr("'0' is not a positive number"));
  EXPECT_THAT(with_weights("int4s.g32.f64"), HasSubstr("scale type 'f64'"));

  EXPECT_THAT(error_of<ProbeSpec>("probe-of.write"), HasSubstr("field 'of': 'write' is not known"));
  EXPECT_THAT(error_of<PrepareSpec>("prepare-k.32-w.f16-a.s9-norm.none-is.32-gather.0"),
              HasSubstr("'s9' is not known"));
}

TEST(SpecText, WrongHeadsAreNamed) {
  const auto with_heads = [](std::string_view heads) {
    return error_of<AttentionSpec>(
        fmt::format("attention-heads.{}-math.f32-window.0-cap.0-alibi.0-sinks.0-parts.0-factors.0", heads));
  };
  ASSERT_EQ(with_heads("h8.2.64.f32"), "no error");
  ASSERT_EQ(with_heads("h16.1.576v512.f32"), "no error");
  EXPECT_THAT(with_heads("h16.1.576v0.f32"), HasSubstr("must be at least 1"));
  EXPECT_THAT(with_heads("8.2.64.f32"), HasSubstr("heads are written h32.8.128.bf16"));
  EXPECT_THAT(with_heads("h8.2"), HasSubstr("heads are written h32.8.128.bf16"));
  EXPECT_THAT(with_heads("h8.2.64.f8"), HasSubstr("'f8' is not known"));
  EXPECT_THAT(with_heads("h8.0.64.f32"), HasSubstr("'0': must be at least 1"));
  EXPECT_THAT(with_heads("h8.two.64.f32"), HasSubstr("'two' is not a number"));
  // One more than an int holds, and what would be 8 if it were cut to an int.
  EXPECT_THAT(with_heads("h2147483648.2.64.f32"), HasSubstr("'2147483648' is out of range"));
  EXPECT_THAT(with_heads("h4294967304.2.64.f32"), HasSubstr("'4294967304' is out of range"));
}

TEST(SpecText, BoolsAreZeroOrOne) {
  const auto with_bias = [](std::string_view bias) {
    return error_of<GemmSpec>(
        fmt::format("gemm-k.32-n.32-w.f32-a.f32-m.stream-norm.none-out.store-f.none-bias.{}-scaled.0-os.32-"
                    "heads.h1.1.2.f32",
                    bias));
  };
  EXPECT_EQ(with_bias("0"), "no error");
  EXPECT_EQ(with_bias("1"), "no error");
  EXPECT_THAT(with_bias("2"), HasSubstr("field 'bias': '2' is neither 0 nor 1"));
  EXPECT_THAT(with_bias("true"), HasSubstr("field 'bias': 'true' is not a number"));
}

}  // namespace
}  // namespace burin
