# Writes packing_id.cpp: cmake -DSOURCE=ROOT -DOUTPUT=FILE -DSOURCES=PATH;PATH... -P write_packing_id.cmake
# SHA-256 over paths and contents of the sources, which PackingId.cmake lists.
cmake_minimum_required(VERSION 3.25)

foreach(path IN LISTS SOURCES)
  file(SHA256 "${SOURCE}/${path}" digest)
  string(APPEND all "${path} ${digest}\n")
endforeach()
string(SHA256 id "${all}")
string(SUBSTRING "${id}" 0 16 id)
file(WRITE "${OUTPUT}" "// Written by cmake/write_packing_id.cmake.
#include \"runtime/packed_weights/packing_id.hpp\"

namespace burin::runtime {

std::string_view packing_id() { return \"${id}\"; }

}  // namespace burin::runtime
")
