# Builds for the laboratory's machine: arm64, with Debian's cross compiler, whose own C and C++ libraries are used, and
# with what `tools/setup lab` unpacked (ESCAPEMENT_LAB_FILES), and nothing of this system's.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

set(ESCAPEMENT_LAB_FILES "" CACHE PATH "What `tools/setup lab` prints")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ESCAPEMENT_LAB_FILES)
set(lab_root ${ESCAPEMENT_LAB_FILES}/sysroot)
set(CMAKE_FIND_ROOT_PATH ${lab_root})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_LIBDIR} ${lab_root}/usr/lib/aarch64-linux-gnu/pkgconfig:${lab_root}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${lab_root})

foreach(language C CXX)
  set(CMAKE_${language}_FLAGS_INIT "-isystem ${lab_root}/usr/include -isystem ${lab_root}/usr/include/aarch64-linux-gnu")
endforeach()
foreach(kind EXE SHARED MODULE)
  set(CMAKE_${kind}_LINKER_FLAGS_INIT
    "-L${lab_root}/usr/lib/aarch64-linux-gnu -Wl,-rpath-link,${lab_root}/usr/lib/aarch64-linux-gnu -Wl,-rpath-link,${lab_root}/lib/aarch64-linux-gnu")
endforeach()
