# Writes build_id.cpp: cmake -DSOURCE=ROOT -DXBYAK=FOLDER -DCOMPILER=TEXT -DOUTPUT=FILE -P write_build_id.cmake
#
# build      SHA-256 over paths and contents of all sources of jit/ and templates/, Xbyak's headers, and the
#            compiler: all that decides which bytes a kernel has.
# arguments  first 32 bits of a SHA-256 over what a kernel is called with: the headers of templates/ (keys,
#            argument structs, layouts of what they point to) and jit/'s headers of keys and images.
cmake_minimum_required(VERSION 3.25)

# Appends "PATH SHA-256" of every matching file, in the order of paths, which are relative to `root`.
function(append_digests list root)
  file(GLOB_RECURSE paths RELATIVE "${root}" ${ARGN})
  list(SORT paths)
  foreach(path IN LISTS paths)
    file(SHA256 "${root}/${path}" digest)
    string(APPEND ${list} "${path} ${digest}\n")
  endforeach()
  set(${list} "${${list}}" PARENT_SCOPE)
endfunction()

append_digests(build "${SOURCE}" "${SOURCE}/jit/*.[ch]pp" "${SOURCE}/templates/*.[ch]pp")
append_digests(build "${XBYAK}" "${XBYAK}/*.h")
string(SHA256 build "${build}${COMPILER}")

append_digests(arguments "${SOURCE}" "${SOURCE}/templates/*.hpp" "${SOURCE}/jit/code_image.hpp"
  "${SOURCE}/jit/kernel_key.hpp" "${SOURCE}/jit/spec_text.hpp")
string(SHA256 arguments "${arguments}")
string(SUBSTRING "${arguments}" 0 8 arguments)

string(REGEX REPLACE "(..)" "0x\\1, " build "${build}")
file(WRITE "${OUTPUT}" "// Written by cmake/write_build_id.cmake.
#include \"jit/build_id.hpp\"

namespace burin::jit {

const EmitterId& this_emitter() {
  static constexpr EmitterId id = {{${build}}, 0x${arguments}u};
  return id;
}

}  // namespace burin::jit
")
