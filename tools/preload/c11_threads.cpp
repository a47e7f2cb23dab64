// The threads of the C standard (threads.h). glibc makes them of its POSIX threads, by ways of its own; here
// they are made of those that are ordered. Both have the same types. Source: glibc, nptl/thrd_create.c and
// the like; sysdeps/nptl/thrd_priv.h for the results.

#include "real.hpp"
#include "runtime.hpp"

#include <threads.h>

#include <cerrno>
#include <cstdlib>

namespace escapement::preload {

namespace {

int result_of(int error) {
    switch (error) {
        case 0:
            return thrd_success;
        case EBUSY:
            return thrd_busy;
        case ENOMEM:
            return thrd_nomem;
        case ETIMEDOUT:
            return thrd_timedout;
        default:
            return thrd_error;
    }
}

struct Routine {
    thrd_start_t function;
    void* argument;
};

void* run(void* memory) {
    const Routine routine = *static_cast<Routine*>(memory);
    std::free(memory);
    const auto value = static_cast<std::intptr_t>(routine.function(routine.argument));
    return reinterpret_cast<void*>(value);
}

// Source: glibc, nptl/thrd_priv.h: the types are the same memory.
pthread_mutex_t* posix(mtx_t* mutex) {
    return reinterpret_cast<pthread_mutex_t*>(mutex);
}
pthread_cond_t* posix(cnd_t* condition) {
    return reinterpret_cast<pthread_cond_t*>(condition);
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
    auto* const routine = static_cast<Routine*>(std::malloc(sizeof(Routine)));
    if (routine == nullptr) return thrd_nomem;
    *routine = {.function = function, .argument = argument};
    const int error = pthread_create(thread, nullptr, run, routine);
    if (error != 0) std::free(routine);
    return error == EAGAIN ? thrd_nomem : result_of(error);
}

ESCAPEMENT_EXPORT int thrd_join(thrd_t thread, int* value) {
    void* returned = nullptr;
    const int error = pthread_join(thread, &returned);
    if (value != nullptr) *value = static_cast<int>(reinterpret_cast<std::intptr_t>(returned));
    return result_of(error);
}

ESCAPEMENT_EXPORT int thrd_detach(thrd_t thread) {
    return result_of(pthread_detach(thread));
}

ESCAPEMENT_EXPORT void thrd_yield() {
    sched_yield();
}

ESCAPEMENT_EXPORT int thrd_sleep(const timespec* time, timespec* left) {
    const int saved = errno;
    const int result = nanosleep(time, left);
    const int error = errno;
    errno = saved;
    if (result == 0) return 0;
    return error == EINTR ? -1 : -2;
}

ESCAPEMENT_EXPORT int mtx_lock(mtx_t* mutex) {
    return result_of(pthread_mutex_lock(posix(mutex)));
}

ESCAPEMENT_EXPORT int mtx_trylock(mtx_t* mutex) {
    return result_of(pthread_mutex_trylock(posix(mutex)));
}

ESCAPEMENT_EXPORT int mtx_timedlock(mtx_t* mutex, const timespec* time) {
    return result_of(pthread_mutex_timedlock(posix(mutex), time));
}

ESCAPEMENT_EXPORT int mtx_unlock(mtx_t* mutex) {
    return result_of(pthread_mutex_unlock(posix(mutex)));
}

ESCAPEMENT_EXPORT int cnd_signal(cnd_t* condition) {
    return result_of(pthread_cond_signal(posix(condition)));
}

ESCAPEMENT_EXPORT int cnd_broadcast(cnd_t* condition) {
    return result_of(pthread_cond_broadcast(posix(condition)));
}

ESCAPEMENT_EXPORT int cnd_wait(cnd_t* condition, mtx_t* mutex) {
    return result_of(pthread_cond_wait(posix(condition), posix(mutex)));
}

ESCAPEMENT_EXPORT int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* time) {
    return result_of(pthread_cond_timedwait(posix(condition), posix(mutex), time));
}

ESCAPEMENT_EXPORT void call_once(once_flag* flag, void (*routine)()) {
    pthread_once(&flag->__data, routine);
}
