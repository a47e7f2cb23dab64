# Debian's packages: escapement (the command), libescapement0 and libescapement-dev. One component is one package.
set(command_package escapement)
set(library_package libescapement0)
set(development_package libescapement-dev)

execute_process(COMMAND gzip -9nc ${CMAKE_CURRENT_SOURCE_DIR}/changelog
  OUTPUT_FILE ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz COMMAND_ERROR_IS_FATAL ANY)
foreach(component command library development)
  install(FILES copyright ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${${component}_package} COMPONENT ${component})
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/docs/reference.md ${PROJECT_SOURCE_DIR}/docs/messages.md
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/escapement COMPONENT command)

install(FILES libescapement0.overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME libescapement0
  COMPONENT library)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME escapement)
set(CPACK_PACKAGE_VENDOR "Escapement maintainers")
set(CPACK_PACKAGE_CONTACT "Escapement maintainers <maintainers@escapement.example>")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL command library development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(same_version "(= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME ${command_package})
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_COMMAND_PACKAGE_DEPENDS "libescapement0 ${same_version}")
set(CPACK_DEBIAN_COMMAND_PACKAGE_SUGGESTS "qemu-system")
set(CPACK_COMPONENT_COMMAND_DESCRIPTION "deterministic turns for the threads of emulators
Makes the threads of an emulator take their turns at counted instructions
instead of whenever the scheduler happens to run them, so that a run, a
recording or a replay comes out the same every time.

This package has the command, which does that to an unmodified QEMU or to
other programs with threads, checks whether runs are reproducible, finds
where recordings part, and calibrates the processor's counters.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "deterministic turns for the threads of emulators (library)
Makes the threads of an emulator take their turns at counted instructions
instead of whenever the scheduler happens to run them, so that a run, a
recording or a replay comes out the same every time.

This package has the library that emulators link.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME ${development_package})
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libescapement0 ${same_version}, libexpected-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "deterministic turns for the threads of emulators (development)
Makes the threads of an emulator take their turns at counted instructions
instead of whenever the scheduler happens to run them, so that a run, a
recording or a replay comes out the same every time.

This package has what is needed to build emulators with the library: the C
and C++ headers, manual pages, and files for CMake and pkg-config.")

# Who links the library needs it in the version that they were built with.
set(shlibs ${CMAKE_CURRENT_BINARY_DIR}/shlibs)
file(WRITE ${shlibs} "libescapement 0 libescapement0 (>= ${PROJECT_VERSION})\n")
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${shlibs} ${CMAKE_CURRENT_BINARY_DIR}/triggers)

if(CMAKE_CROSSCOMPILING)
  # Nothing here knows which packages that machine's libraries are in. Those of one release have the same names for every
  # processor: tools/package/build gives what was found for this machine's packages.
  set(ESCAPEMENT_PACKAGE_COMMAND_DEPENDS "" CACHE STRING "What the packages of a build for this machine depend on: escapement")
  set(ESCAPEMENT_PACKAGE_LIBRARY_DEPENDS "" CACHE STRING "The same: libescapement0")
  set(CPACK_DEBIAN_COMMAND_PACKAGE_DEPENDS "${ESCAPEMENT_PACKAGE_COMMAND_DEPENDS}")
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "${ESCAPEMENT_PACKAGE_LIBRARY_DEPENDS}")
  if(ESCAPEMENT_PROCESSOR STREQUAL aarch64)
    set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
  endif()
else()
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/src)
endif()
include(CPack)
