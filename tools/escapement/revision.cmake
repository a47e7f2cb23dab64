# Writes HEADER with the revision of SOURCE, as GIT tells it, if it is another than before.
set(revision "")
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --show-prefix --short=12 HEAD
    OUTPUT_VARIABLE found RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  # The first line is empty at the top of a repository: sources unpacked within another's have no revision.
  if(NOT failed AND found MATCHES "^\n([0-9a-f]+)$")
    set(revision ${CMAKE_MATCH_1})
    execute_process(COMMAND ${GIT} -C ${SOURCE} status --porcelain --untracked-files=no
      OUTPUT_VARIABLE changes OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(changes)
      string(APPEND revision ", with changes")
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define ESCAPEMENT_REVISION \"${revision}\"\n" @ONLY)
