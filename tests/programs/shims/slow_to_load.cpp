// A library that others can get ahead of while it is being loaded.

#include <unistd.h>

namespace {
__attribute__((constructor)) void begin() {
    usleep(20'000);
}
}  // namespace
