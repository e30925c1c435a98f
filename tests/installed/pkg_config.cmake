# A C program and a compiler, without CMake; from a prefix that has moved since it was installed.
include("${CMAKE_CURRENT_LIST_DIR}/common.cmake")
set(moved "${FOLDER}/moved")
file(REMOVE_RECURSE "${moved}")
file(COPY "${prefix}/" DESTINATION "${moved}")
set(ENV{PKG_CONFIG_PATH} "${moved}/${LIBDIR}/pkgconfig")

run(pkg-config --modversion burin)
string(STRIP "${output}" output)
if(NOT output STREQUAL VERSION)
  message(FATAL_ERROR "pkg-config says version ${output}, not ${VERSION}")
endif()

run(pkg-config --cflags --libs burin)
separate_arguments(flags UNIX_COMMAND "${output}")
run(cc -std=c11 -Wall -Wextra -Wpedantic -Werror "${EXAMPLES}/host.c" -o "${FOLDER}/host" ${flags})
set(ENV{LD_LIBRARY_PATH} "${moved}/${LIBDIR}")
run("${FOLDER}/host" "${MODEL}" "${PROMPT}")
expect_reference_text("${output}")
