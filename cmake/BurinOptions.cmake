# What every target of this project is compiled with.
option(BURIN_TESTS "Build the tests" ON)
option(BURIN_BENCHMARKS "Build the benchmarks" ON)
option(BURIN_EMITTER "Build the emitter; without it kernels come from bundles and caches only" ON)
option(BURIN_WARNINGS_AS_ERRORS "Treat compiler warnings as errors" OFF)
option(BURIN_FUZZERS "Build the libFuzzer targets (Clang only)" OFF)
set(BURIN_REFERENCE_DATA "${PROJECT_SOURCE_DIR}/../shared/data" CACHE PATH
  "Reference models, vectors and texts; tests that need them say 'skipped' where the folder is missing")
set(BURIN_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
if(BURIN_FUZZERS)
  set(BURIN_SANITIZE "fuzzer-no-link,address,undefined")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Only what the public headers mark is seen outside the shared library.
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

find_program(BURIN_CCACHE ccache)
if(BURIN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${BURIN_CCACHE}")
endif()

add_library(burin_options INTERFACE)
target_include_directories(burin_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(burin_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Wcast-align -Wformat=2 -Wimplicit-fallthrough
  $<$<BOOL:${BURIN_WARNINGS_AS_ERRORS}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False positives in std::string's operator+ (GCC bug 105651).
  target_compile_options(burin_options INTERFACE -Wno-restrict)
endif()
if(NOT BURIN_EMITTER)
  # For small machines: what nobody calls is left out.
  target_compile_options(burin_options INTERFACE -ffunction-sections -fdata-sections)
  target_link_options(burin_options INTERFACE -Wl,--gc-sections)
  # What is called across files is seen as a whole (12 %). The static library has machine code as well: a host's compiler
  # need not be the one that built it.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT BURIN_SANITIZE)
    target_compile_options(burin_options INTERFACE -flto=auto -ffat-lto-objects)
    target_link_options(burin_options INTERFACE -flto=auto -flto-partition=one)
  endif()
  # And what is the same is there once (6 %), where there is a linker that sees to it.
  include(CheckLinkerFlag)
  check_linker_flag(CXX "-fuse-ld=gold;-Wl,--icf=safe" BURIN_FOLDS_SAME_CODE)
  if(BURIN_FOLDS_SAME_CODE)
    target_link_options(burin_options INTERFACE -fuse-ld=gold -Wl,--icf=safe)
  endif()
endif()
if(BURIN_SANITIZE)
  # Line numbers are all that reports need; the rest would double the time of building. So would optimising what is around
  # the libraries, which has the property BURIN_AROUND_THE_LIBRARIES, and looking there for undefined behaviour.
  set(around "$<BOOL:$<TARGET_PROPERTY:BURIN_AROUND_THE_LIBRARIES>>")
  target_compile_options(burin_options INTERFACE
    $<IF:${around},-O0,-O1> -g1 -fsanitize=${BURIN_SANITIZE} $<${around}:-fno-sanitize=undefined>
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(burin_options INTERFACE -fsanitize=${BURIN_SANITIZE})
endif()

include(PrecompiledHeaders)

# add_layer(NAME DEPENDS... [ONLY PATTERN...] [WITHOUT PATTERN...]): a library from all .cpp files of this folder, or
# from those that match one of the patterns, or none of them.
function(add_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "ONLY;WITHOUT")
  list(TRANSFORM layer_ONLY PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  list(TRANSFORM layer_WITHOUT PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  if(NOT layer_ONLY)
    set(layer_ONLY "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${layer_ONLY})
  if(layer_WITHOUT)
    file(GLOB_RECURSE others CONFIGURE_DEPENDS ${layer_WITHOUT})
    list(REMOVE_ITEM sources ${others})
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC burin_options ${layer_UNPARSED_ARGUMENTS})
  precompile_headers(${name} layers)
endfunction()
