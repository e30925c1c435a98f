# What `cmake --install` puts where, and how other projects find it:
#
#   include/burin/              the public headers
#   lib/libburin.so.VERSION     all layers in one; shows burin_* and the classes of the public headers
#   lib/libburin.a              all layers in one; whoever links it links what it depends on
#   lib/cmake/burin/            find_package(burin CONFIG): burin::burin (shared) and burin::burin_static
#   lib/pkgconfig/burin.pc      pkg-config [--static] burin
#   bin/burin                   the command
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The layers are the static libraries of their folders.
set(burin_objects "")
foreach(folder IN ITEMS jit templates graph runtime)
  get_property(targets DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL STATIC_LIBRARY)
      list(APPEND burin_objects "$<TARGET_OBJECTS:${target}>")
    endif()
  endforeach()
endforeach()

# Before 1.0 a new minor version may break binaries, hence both numbers.
set(burin_soversion "${PROJECT_VERSION_MAJOR}")
set(burin_compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(burin_soversion "0.${PROJECT_VERSION_MINOR}")
  set(burin_compatibility SameMinorVersion)
endif()

set(burin_version_script "${PROJECT_SOURCE_DIR}/cmake/burin.version")
add_library(burin_shared SHARED ${burin_objects})
target_link_libraries(burin_shared PRIVATE burin_options fmt::fmt Threads::Threads PkgConfig::pcre2 PkgConfig::sentencepiece
  PkgConfig::utf8proc PkgConfig::crypto ${ZYDIS_LIBRARY})
target_link_options(burin_shared PRIVATE "LINKER:--version-script=${burin_version_script}" LINKER:--as-needed)
set_target_properties(burin_shared PROPERTIES
  OUTPUT_NAME burin EXPORT_NAME burin LINK_DEPENDS "${burin_version_script}"
  VERSION "${PROJECT_VERSION}" SOVERSION "${burin_soversion}")

# By name and not by target: whoever finds the package should not have to find packages for those.
set(burin_static_libraries fmt pcre2-8 sentencepiece utf8proc crypto)
if(ZYDIS_LIBRARY)
  list(APPEND burin_static_libraries Zydis)
endif()
add_library(burin_static STATIC ${burin_objects})
target_link_libraries(burin_static INTERFACE ${burin_static_libraries} Threads::Threads)
set_target_properties(burin_static PROPERTIES OUTPUT_NAME burin)

foreach(library IN ITEMS burin_shared burin_static)
  set_target_properties(${library} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(${library} INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
endforeach()

set(burin_package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/burin")
install(TARGETS burin_shared burin_static EXPORT burin_targets)
install(TARGETS burin)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/burin" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT burin_targets FILE burin-targets.cmake NAMESPACE burin:: DESTINATION "${burin_package_folder}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/burin-config.cmake.in"
  "${PROJECT_BINARY_DIR}/generated/burin-config.cmake" INSTALL_DESTINATION "${burin_package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/generated/burin-config-version.cmake"
  COMPATIBILITY ${burin_compatibility})
install(FILES "${PROJECT_BINARY_DIR}/generated/burin-config.cmake"
  "${PROJECT_BINARY_DIR}/generated/burin-config-version.cmake" DESTINATION "${burin_package_folder}")

# Relative to the file itself, so that the folder may be moved.
file(RELATIVE_PATH burin_prefix_from_pkgconfig "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
list(TRANSFORM burin_static_libraries PREPEND "-l" OUTPUT_VARIABLE burin_static_flags)
list(JOIN burin_static_flags " " burin_static_flags)
string(APPEND burin_static_flags " -lstdc++ -lm -pthread")
configure_file("${PROJECT_SOURCE_DIR}/cmake/burin.pc.in" "${PROJECT_BINARY_DIR}/generated/burin.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/generated/burin.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
