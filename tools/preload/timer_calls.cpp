#include "timer_calls.hpp"

#include "real.hpp"
#include "signal_timers.hpp"

#include <new>

namespace escapement::preload {

namespace {

sem_t wanted;
bool expected = false;  // belongs to the turn

struct Call {
    void (*function)(sigval);
    sigval value;
};

void* call(void* memory) {
    auto* const given = static_cast<Call*>(memory);
    const Call copy = *given;
    delete given;
    copy.function(copy.value);
    return nullptr;
}

/// pthread_create(3) of a thread that nobody joins.
int begin_thread(void* (*routine)(void*), void* argument, std::size_t stack_size) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (stack_size != 0) pthread_attr_setstacksize(&attributes, stack_size);
    pthread_t thread{};
    const int error = pthread_create(&thread, &attributes, routine, argument);
    pthread_attr_destroy(&attributes);
    return error;
}

void begin_call(SignalTimer& timer) {
    --timer.calls;
    auto* const given = new (std::nothrow) Call{.function = timer.function, .value = timer.value};
    // Where there can be no more threads it is not called; the C library does the same.
    if (given != nullptr && begin_thread(call, given, timer.stack_size) != 0) delete given;
}

void* begin_calls(void* /*unused*/) {
    for (;;) {
        if (sem_wait(&wanted) != 0) continue;
        if (SignalTimer* const timer = find_timer_with_calls(); timer != nullptr) begin_call(*timer);
    }
    return nullptr;
}

}  // namespace

int expect_timer_calls() {
    if (expected) return 0;
    sem_init(&wanted, 0, 0);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = begin_thread(begin_calls, nullptr, 0);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    expected = error == 0;
    return error;
}

void want_timer_call() {
    real().sem_post(&wanted);
}

void forget_timer_calls() {
    expected = false;
}

}  // namespace escapement::preload
