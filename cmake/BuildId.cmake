# The build id of the emitter: part of every stored kernel, so that none outlives the code it was emitted by.
# Made anew whenever a source of jit/ or templates/ or a header of Xbyak changes, by write_build_id.cmake.
find_path(BURIN_XBYAK_FOLDER xbyak/xbyak.h REQUIRED)

# add_build_id(TARGET): adds the generated build_id.cpp (declared in jit/build_id.hpp).
function(add_build_id target)
  set(output "${PROJECT_BINARY_DIR}/generated/jit/build_id.cpp")
  set(script "${PROJECT_SOURCE_DIR}/cmake/write_build_id.cmake")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/jit/*.[ch]pp" "${PROJECT_SOURCE_DIR}/templates/*.[ch]pp"
    "${BURIN_XBYAK_FOLDER}/xbyak/*.h")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${PROJECT_SOURCE_DIR}" "-DXBYAK=${BURIN_XBYAK_FOLDER}/xbyak"
            "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}" "-DOUTPUT=${output}" -P "${script}"
    DEPENDS ${sources} "${script}"
    COMMENT "Build id of the emitter" VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
