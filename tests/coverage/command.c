// Linked into what tools/coverage counts: `escapement run` becomes the program that it runs, and what was
// counted until then is written before.

#include <unistd.h>

extern char** environ;
void __gcov_dump(void);  // gcc, libgcc/libgcov.h

int execv(const char* path, char* const arguments[]) {
    __gcov_dump();
    return execve(path, arguments, environ);
}
