# SPDX-License-Identifier: AGPL-3.0-only
#
# What `cmake --install` puts where: libbrrr, its headers, and what pkg-config
# and find_package(brrr) need to find them. All of it can be moved afterwards.
include(CMakePackageConfigHelpers)

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/brrr")

install(
  TARGETS brrr
  EXPORT brrr
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/ref/include/brrr"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

install(
  EXPORT brrr
  NAMESPACE brrr::
  FILE brrrTargets.cmake
  DESTINATION "${package}")
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/brrrConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/brrrConfig.cmake" INSTALL_DESTINATION "${package}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/brrrConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/brrrConfig.cmake"
              "${PROJECT_BINARY_DIR}/brrrConfigVersion.cmake"
        DESTINATION "${package}")

# Who links a static libbrrr links what it uses, too.
if(BUILD_SHARED_LIBS)
  set(pc_requires Requires.private)
else()
  set(pc_requires Requires)
endif()
# From the folder of brrr.pc up to the prefix.
file(RELATIVE_PATH pc_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig"
     "/prefix")
configure_file("${PROJECT_SOURCE_DIR}/cmake/brrr.pc.in"
               "${PROJECT_BINARY_DIR}/brrr.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/brrr.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
