#pragma once
// The functions that this library stands in front of, as the next library (libc, libaio, liburing) has them.
//
// They are looked up once, at the first call of any of ours, which may come before any constructor has run.

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>

// Functions that exist once. The condition functions are not here: glibc has two versions of each (real.cpp).
// clang-format off
#define ESCAPEMENT_REAL_FUNCTIONS(X) \
    X(pthread_mutex_lock) X(pthread_mutex_trylock) X(pthread_mutex_timedlock) \
    X(pthread_mutex_clocklock) X(pthread_mutex_unlock) X(pthread_rwlock_rdlock) \
    X(pthread_rwlock_tryrdlock) X(pthread_rwlock_wrlock) X(pthread_rwlock_trywrlock) \
    X(pthread_rwlock_unlock) X(pthread_rwlock_timedrdlock) X(pthread_rwlock_timedwrlock) \
    X(pthread_spin_lock) X(pthread_spin_trylock) X(pthread_spin_unlock) X(pthread_barrier_init) \
    X(pthread_barrier_destroy) X(pthread_barrier_wait) X(pthread_once) X(pthread_create) \
    X(pthread_join) X(pthread_tryjoin_np) X(pthread_timedjoin_np) X(pthread_detach) \
    X(pthread_cancel) X(pthread_setname_np) X(pthread_sigmask) X(sigprocmask) X(sigaction) \
    X(sem_wait) X(sem_trywait) X(sem_timedwait) X(sem_clockwait) X(sem_post) X(poll) X(ppoll) \
    X(select) X(pselect) X(epoll_wait) X(epoll_pwait) X(epoll_pwait2) X(nanosleep) X(clock_nanosleep) \
    X(clock_gettime) X(gettimeofday) X(time) X(times) X(getrusage) X(sched_yield) X(getrandom) X(getentropy) \
    X(syscall) X(read) X(readv) X(recv) X(recvfrom) X(recvmsg) X(write) X(writev) X(send) \
    X(sendto) X(sendmsg) X(accept) X(accept4) X(connect) X(waitpid) X(waitid) X(wait4) X(fork) \
    X(_exit) X(fopen) X(open) X(openat) X(sigwait) X(sigwaitinfo) X(sigtimedwait) X(sigsuspend) \
    X(pipe) X(pipe2) X(socketpair) X(pause) X(close) X(eventfd) X(pthread_setcanceltype) X(pthread_clockjoin_np) \
    X(pthread_rwlock_clockrdlock) X(pthread_rwlock_clockwrlock) X(timerfd_create) X(timerfd_settime) \
    X(timerfd_gettime) X(kill) X(pthread_kill) X(sigqueue) X(pthread_sigqueue) X(alarm) X(setitimer) X(getitimer) \
    X(timer_create) X(timer_settime) X(timer_gettime) X(timer_getoverrun) X(timer_delete) X(execve) X(execv) \
    X(execvp) X(execvpe) X(fexecve)
// clang-format on

namespace escapement::preload {

struct Real {
// NOLINTNEXTLINE(bugprone-macro-parentheses): it declares
#define ESCAPEMENT_DECLARE(name) decltype(&::name) name = nullptr;
    ESCAPEMENT_REAL_FUNCTIONS(ESCAPEMENT_DECLARE)
#undef ESCAPEMENT_DECLARE
    decltype(&::pthread_cond_init) pthread_cond_init = nullptr;
    decltype(&::pthread_cond_destroy) pthread_cond_destroy = nullptr;
    decltype(&::pthread_cond_wait) pthread_cond_wait = nullptr;
    decltype(&::pthread_cond_timedwait) pthread_cond_timedwait = nullptr;
    decltype(&::pthread_cond_clockwait) pthread_cond_clockwait = nullptr;
    decltype(&::pthread_cond_signal) pthread_cond_signal = nullptr;
    decltype(&::pthread_cond_broadcast) pthread_cond_broadcast = nullptr;
};

/// The table; filled before main thread's first use, read-only from then on.
const Real& real();

/// The function `name` of a library that may or may not be loaded, behind this one; null if there is none.
void* next_function(const char* name);

}  // namespace escapement::preload

/// Marks a function as one that programs see instead of their library's.
#define ESCAPEMENT_EXPORT extern "C" __attribute__((visibility("default")))
