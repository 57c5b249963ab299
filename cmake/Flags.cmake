# One INTERFACE target carries the language level, the warnings and the hardening of every
# object in the tree.
add_library(labeld_flags INTERFACE)
target_compile_features(labeld_flags INTERFACE c_std_17)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

target_compile_definitions(labeld_flags INTERFACE _GNU_SOURCE
  LABELD_VERSION="${PROJECT_VERSION}")
target_include_directories(labeld_flags INTERFACE "${CMAKE_SOURCE_DIR}/daemon")
# snprintf that cuts is how bounded text is made here; the warning about it has no use.
target_compile_options(labeld_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
  -Wformat=2 -Wvla -Wundef -Wpointer-arith -Wwrite-strings
  $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>
  -fno-strict-aliasing -fno-common
  -fstack-protector-strong -fstack-clash-protection)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(labeld_flags INTERFACE -fcf-protection)
endif()
target_link_options(labeld_flags INTERFACE -pie -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
  -Wl,-z,noexecstack)

if(LABELD_SANITIZE)
  target_compile_options(labeld_flags INTERFACE -fsanitize=address,undefined
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(labeld_flags INTERFACE -fsanitize=address,undefined)
else()
  target_compile_options(labeld_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(LABELD_FUZZ)
  target_compile_options(labeld_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
