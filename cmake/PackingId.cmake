# The packing id: part of the key of packed weights that are kept, so that none outlive the code that packed them.
# Made anew whenever one of these sources changes, by write_packing_id.cmake.

# add_packing_id(TARGET): adds the generated packing_id.cpp (declared in runtime/packed_weights/packing_id.hpp).
function(add_packing_id target)
  set(output "${PROJECT_BINARY_DIR}/generated/runtime/packing_id.cpp")
  set(script "${PROJECT_SOURCE_DIR}/cmake/write_packing_id.cmake")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
    "${PROJECT_SOURCE_DIR}/runtime/weights.*" "${PROJECT_SOURCE_DIR}/runtime/unit_rows.*"
    "${PROJECT_SOURCE_DIR}/runtime/files/*.[ch]pp" "${PROJECT_SOURCE_DIR}/templates/formats/*.[ch]pp")
  list(SORT sources)
  list(TRANSFORM sources PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE paths)
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${PROJECT_SOURCE_DIR}" "-DOUTPUT=${output}" "-DSOURCES=${sources}"
            -P "${script}"
    DEPENDS ${paths} "${script}"
    COMMENT "Packing id of weights" VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
