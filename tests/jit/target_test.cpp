// Targets by name and by list.
#include "jit/target.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "jit/error.hpp"

namespace burin::jit {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using enum Feature;

std::string error_of(std::string_view text) {
  try {
    parse_target(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

FeatureSet features(std::initializer_list<Feature> list) {
  FeatureSet set;
  for (const Feature feature : list) set.add(feature);
  return set;
}

TEST(Target, CpuNamesStandForTheirFeatures) {
  EXPECT_EQ(parse_target("haswell").features, features({avx2}));
  EXPECT_EQ(parse_target("alderlake").features, features({avx2, avxvnni, gfni}));
  EXPECT_EQ(parse_target("cascadelake").features, features({avx2, avx512, avx512vnni}));
  EXPECT_EQ(parse_target("znver4").features,
            features({avx2, avx512, avx512vnni, avx512bf16, avx512vbmi, gfni}));
  EXPECT_EQ(parse_target("sapphirerapids").features,
            features({avx2, avxvnni, avx512, avx512vnni, avx512bf16, avx512fp16, avx512vbmi, gfni, amx_int8,
                      amx_bf16}));
  EXPECT_EQ(parse_target("znver4").name, "znver4");
}

TEST(Target, EveryKnownTargetParses) {
  EXPECT_GE(known_targets().size(), 8u);
  for (const NamedTarget& known : known_targets()) {
    const Target target = parse_target(known.name);
    EXPECT_EQ(target.name, known.name);
    EXPECT_EQ(target.features, parse_target(known.features).features) << known.name;
    EXPECT_TRUE(target.has(avx2)) << known.name;
  }
}

TEST(Target, FeaturesImplyWhatTheyCannotDoWithout) {
  EXPECT_EQ(parse_target("avx2").features, features({avx2}));
  EXPECT_EQ(parse_target("avxvnni").features, features({avx2, avxvnni}));
  EXPECT_EQ(parse_target("gfni").features, features({avx2, gfni}));
  EXPECT_EQ(parse_target("avx512vnni").features, features({avx2, avx512, avx512vnni}));
  EXPECT_EQ(parse_target("amx-int8").features, features({avx2, avx512, avx512vnni, amx_int8}));
  EXPECT_EQ(parse_target("amx-bf16").features, features({avx2, avx512, avx512bf16, amx_bf16}));
  EXPECT_EQ(parse_target("amx-fp16").features, features({avx2, avx512, avx512fp16, amx_fp16}));
}

TEST(Target, ListsAddUpInAnyOrder) {
  const Target target = parse_target("avxvnni,avx512bf16");
  EXPECT_EQ(target.name, "avxvnni,avx512bf16");
  EXPECT_EQ(target.features, features({avx2, avxvnni, avx512, avx512bf16}));
  EXPECT_EQ(parse_target("avx512bf16,avxvnni,avx2").features, target.features);
  EXPECT_EQ(parse_target("avxvnni,avxvnni").features, features({avx2, avxvnni}));
}

TEST(Target, PartsOfABundleAreAccepted) {
  EXPECT_EQ(parse_target("avx2,fma,f16c").features, features({avx2}));
  EXPECT_EQ(parse_target("fma").features, features({avx2}));
  EXPECT_EQ(parse_target("avx512f,avx512bw,avx512vl,avx512dq").features, features({avx2, avx512}));
  EXPECT_EQ(parse_target("avx512-bf16").features, parse_target("avx512bf16").features);
  EXPECT_EQ(parse_target("amx-tile").features, parse_target("amx-int8").features);
}

TEST(Target, UnknownPartsAreNamed) {
  EXPECT_THAT(error_of("avx2,sse9,fma"),
              AllOf(HasSubstr("'avx2,sse9,fma'"), HasSubstr("'sse9' is neither"), HasSubstr("haswell"),
                    HasSubstr("avx512bf16"), HasSubstr("detect")));
  EXPECT_THAT(error_of("pentium"), HasSubstr("'pentium' is neither"));
  // CPU names are not parts of lists.
  EXPECT_THAT(error_of("haswell,gfni"), HasSubstr("'haswell' is neither"));
  EXPECT_THAT(error_of("avx2,detect"), HasSubstr("'detect' is neither"));
  EXPECT_THAT(error_of("AVX2"), HasSubstr("'AVX2' is neither"));
  EXPECT_THAT(error_of("avx2, fma"), HasSubstr("' fma' is neither"));
  for (const std::string_view empty_part : {"", ",", "avx2,", ",avx2", "avx2,,fma"})
    EXPECT_THAT(error_of(empty_part), HasSubstr("'' is neither")) << empty_part;
}

TEST(Target, TextOfFeaturesRoundTrips) {
  EXPECT_EQ(to_text(features({avx512vnni, avx2, avx512})), "avx2,avx512,avx512vnni");
  EXPECT_EQ(to_text(FeatureSet()), "");
  for (const NamedTarget& known : known_targets()) {
    const FeatureSet set = parse_target(known.name).features;
    EXPECT_EQ(parse_target(to_text(set)).features, set) << known.name;
  }
}

TEST(Target, SetsOfFeatures) {
  const FeatureSet both = features({avx2, gfni});
  EXPECT_TRUE(both.contains(features({gfni})));
  EXPECT_FALSE(features({gfni}).contains(both));
  EXPECT_EQ(both.without(features({avx2, avx512})), features({gfni}));
  EXPECT_TRUE(both.without(both).empty());
  EXPECT_FALSE(both.empty());
  EXPECT_EQ(FeatureSet(both.bits()), both);
}

TEST(Target, TheHostRunsWhatItIs) {
  const Target host = host_target();
  EXPECT_TRUE(host.has(avx2));
  EXPECT_EQ(parse_target("detect").features, host.features);
  EXPECT_TRUE(host.features.contains(parse_target(host.name).features)) << host.name << " promises too much";
  EXPECT_NO_THROW(require_host_can_run(host));
  EXPECT_NO_THROW(require_host_can_run(parse_target("avx2")));
  // The best known name: no later one fits.
  bool later = false;
  for (const NamedTarget& known : known_targets()) {
    EXPECT_FALSE(later && host.features.contains(parse_target(known.name).features)) << known.name;
    later = later || known.name == host.name;
  }
  EXPECT_TRUE(later) << host.name;
}

TEST(Target, WhatTheHostLacksIsNamed) {
  const FeatureSet host = host_target().features;
  const auto is_missing = [&](const char* name) { return !host.contains(parse_target(name).features); };
  constexpr std::array kNames = {"amx-fp16", "amx-int8", "avx512fp16", "avx512bf16", "avxvnni"};
  const auto missing = std::find_if(kNames.begin(), kNames.end(), is_missing);
  if (missing == kNames.end()) GTEST_SKIP() << "skipped: this CPU has everything";
  const std::string list = fmt::format("avx2,{}", *missing);
  try {
    require_host_can_run(parse_target(list));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(fmt::format("'{}'", list)), HasSubstr("lacks"),
                                    HasSubstr(*missing), HasSubstr(host_target().name)));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("lacks avx2")));
  }
}

}  // namespace
}  // namespace burin::jit
