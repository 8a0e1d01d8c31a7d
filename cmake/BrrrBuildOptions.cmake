# SPDX-License-Identifier: AGPL-3.0-only
#
# How every C target of this repository is compiled: one INTERFACE target,
# linked PRIVATE, so that nothing leaks to whoever links libbrrr. There are no
# global flags.

# Defaults of the target properties that an INTERFACE target cannot carry.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF) # -std=c11, not gnu11
set(CMAKE_EXPORT_COMPILE_COMMANDS ON) # for clang-tidy and editors

add_library(brrr_build_options INTERFACE)

target_compile_options(
  brrr_build_options
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wconversion
            -Wshadow
            -Wstrict-prototypes
            -Wmissing-prototypes
            -Wvla
            -fvisibility=hidden
            -UNDEBUG # asserts are for the programmer's errors: on in release too
            $<$<BOOL:${BRRR_WERROR}>:-Werror>)

if(BRRR_SANITIZE)
  # A finding ends the program, so that no test can pass in spite of it.
  set(sanitize "-fsanitize=${BRRR_SANITIZE}" -fno-sanitize-recover=all
               -fno-omit-frame-pointer)
  target_compile_options(brrr_build_options INTERFACE ${sanitize})
  target_link_options(brrr_build_options INTERFACE ${sanitize})
endif()
