#include "real.hpp"

#include <dlfcn.h>

namespace escapement::preload {

namespace {

Real table;
// Plain: the first call comes while the process has one thread.
bool filled = false;

template <typename Function>
void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

template <typename Function>
void find_condition(Function& function, const char* name) {
    // x86-64 has these as GLIBC_2.2.5 (an old layout, which dlsym may find) and 2.3.2; arm64 began later and
    // has one.
    function = reinterpret_cast<Function>(dlvsym(RTLD_NEXT, name, ESCAPEMENT_CONDITION_VERSION));
}

void fill() {
    // No look-up here may fail: that allocates, and the first call may come from inside an allocator.
#define ESCAPEMENT_FIND(name) find(table.name, #name);
    ESCAPEMENT_REAL_FUNCTIONS(ESCAPEMENT_FIND)
#undef ESCAPEMENT_FIND
    find_condition(table.pthread_cond_init, "pthread_cond_init");
    find_condition(table.pthread_cond_destroy, "pthread_cond_destroy");
    find_condition(table.pthread_cond_wait, "pthread_cond_wait");
    find_condition(table.pthread_cond_timedwait, "pthread_cond_timedwait");
    find(table.pthread_cond_clockwait, "pthread_cond_clockwait");  // from 2.30: one version
    find_condition(table.pthread_cond_signal, "pthread_cond_signal");
    find_condition(table.pthread_cond_broadcast, "pthread_cond_broadcast");
    filled = true;
}

}  // namespace

const Real& real() {
    if (!filled) [[unlikely]]
        fill();
    return table;
}

void* next_function(const char* name) {
    return dlsym(RTLD_NEXT, name);
}

}  // namespace escapement::preload
