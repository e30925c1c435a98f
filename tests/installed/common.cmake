# Shared by the checks. Each has FOLDER/prefix, a prefix with the installed package, and runs in FOLDER.
set(prefix "${FOLDER}/prefix")
set(ENV{BURIN_CACHE_DIR} "${FOLDER}/cache")  # and leave the user's alone

# Runs a command; fails with what it said. Sets `output`.
function(run)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${status}:\n${output}${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# Prompt and greedy text of the demo model, as demo/reference.json has them.
set(PROMPT "ROMEO:\nWhat light")
function(expect_reference_text text)
  if(NOT text MATCHES "^s that said or two, that he hath done")
    message(FATAL_ERROR "Not the text that the demo model writes: ${text}")
  endif()
endfunction()

# The minimal host is to be one: fewer than 40 lines.
function(check_minimal_length)
  file(READ "${EXAMPLES}/minimal.cpp" text)
  string(REGEX MATCHALL "\n" ends "${text}")
  list(LENGTH ends lines)
  if(NOT lines LESS 40)
    message(FATAL_ERROR "minimal.cpp has ${lines} lines")
  endif()
endfunction()

# Builds the examples with the given settings and runs all three.
function(check_examples build)
  file(REMOVE_RECURSE "${build}")
  run("${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${EXAMPLES}" -B "${build}" "-DCMAKE_PREFIX_PATH=${prefix}"
    "-DCMAKE_CXX_COMPILER=${CXX}" -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS=-Werror" ${ARGN})
  file(STRINGS "${build}/CMakeCache.txt" found REGEX "^burin_DIR:")
  if(NOT found MATCHES "${prefix}")
    message(FATAL_ERROR "Another package than the installed one was found: ${found}")
  endif()
  run("${CMAKE_COMMAND}" --build "${build}")
  run("${build}/minimal" "${MODEL}" "KING RICHARD")
  string(LENGTH "${output}" length)
  if(length LESS 20)
    message(FATAL_ERROR "minimal wrote next to nothing: ${output}")
  endif()
  run("${build}/host" "${MODEL}" "${PROMPT}")
  expect_reference_text("${output}")
  run("${build}/two_models" "${MODEL}" "${MODEL}")
endfunction()
