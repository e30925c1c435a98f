# The host in C of tests/api: compiled as C, and by C's rules only.
if(TARGET api_test)
  add_library(api_c_host OBJECT "${CMAKE_CURRENT_LIST_DIR}/c_host.c")
  target_include_directories(api_c_host PRIVATE "${PROJECT_SOURCE_DIR}/include")
  target_compile_options(api_c_host PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wstrict-prototypes
    $<$<BOOL:${BURIN_WARNINGS_AS_ERRORS}>:-Werror>)
  set_target_properties(api_c_host PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_link_libraries(api_test PRIVATE api_c_host)
  # Looked at by nm.
  target_compile_definitions(api_test PRIVATE BURIN_SHARED_LIBRARY="$<TARGET_FILE:burin_shared>"
    BURIN_STATIC_LIBRARY="$<TARGET_FILE:burin_static>")
  add_dependencies(api_test burin_shared burin_static)
endif()
