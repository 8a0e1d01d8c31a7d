# SPDX-License-Identifier: AGPL-3.0-only
#
# brrr_add_test(<name> SOURCES <file>... [LIBS <target>...] [TIMEOUT <seconds>])
#
# Builds the cmocka program <name> and registers it with ctest under the same
# name and the label "cmocka". ctest runs it through cmake/run-cmocka, which
# leaves the result of each single cmocka test in
#
#   ${CMAKE_BINARY_DIR}/test-results/<name>.xml
#
# fresh at each run. Started by hand, the program prints plain text.
function(brrr_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LIBS")
  if(NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "brrr_add_test(${name}): want SOURCES <file>..., "
                        "then LIBS and TIMEOUT at will")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()

  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE brrr_build_options ${arg_LIBS}
                                        PkgConfig::CMOCKA)

  set(results "${CMAKE_BINARY_DIR}/test-results/${name}.xml")
  add_test(NAME ${name} COMMAND "${PROJECT_SOURCE_DIR}/cmake/run-cmocka"
                                "${results}" $<TARGET_FILE:${name}>)
  set_tests_properties(${name} PROPERTIES LABELS cmocka TIMEOUT ${arg_TIMEOUT})
endfunction()
