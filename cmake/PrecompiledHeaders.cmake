# Headers of others that most files include, parsed once: a fifth of the time that the sanitizers' builds take. Builds
# without it show which file forgot to include what it uses.
option(BURIN_PRECOMPILED_HEADERS "Precompile the headers of the standard library, fmt, JSON and GoogleTest" OFF)

set(precompiled_for_layers <algorithm> <array> <atomic> <cmath> <cstdint> <cstring> <filesystem> <fstream> <functional>
  <map> <memory> <optional> <set> <span> <string> <string_view> <vector> <fmt/format.h> <nlohmann/json.hpp>)
set(precompiled_for_tests ${precompiled_for_layers} <gtest/gtest.h> <gmock/gmock.h>)

# precompile_headers(TARGET KIND): KIND is layers or tests. The first target of a kind compiles them for all; targets of
# one kind therefore have the same options and definitions.
function(precompile_headers target kind)
  if(NOT BURIN_PRECOMPILED_HEADERS)
    return()
  endif()
  get_property(first GLOBAL PROPERTY burin_precompiled_for_${kind})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  else()
    target_precompile_headers(${target} PRIVATE ${precompiled_for_${kind}})
    set_property(GLOBAL PROPERTY burin_precompiled_for_${kind} ${target})
  endif()
endfunction()
