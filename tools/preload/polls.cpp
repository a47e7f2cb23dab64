// Waiting for descriptors. The real call is made without waiting; whoever finds nothing waits in the order,
// and whoever decides looks again on its behalf.

#include "outside_input.hpp"
#include "qemu.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "signals.hpp"

#include <cerrno>

namespace escapement::preload {

namespace {

constexpr Nanoseconds millisecond = 1'000'000;

/// Makes `attempt`, the real call without waiting, until it finds something or `deadline` has come. `request`
/// tells the same to whoever decides.
template <typename Attempt>
int poll_in_order(PollRequest& request, Nanoseconds deadline, const sigset_t* mask, Attempt attempt) {
    Runtime& domain = runtime();
    const CancellationPoint point;
    domain.expect_signals();  // first: the mask may let in what has been waiting for it
    const TemporaryMask during(mask);
    for (;;) {
        const int result = attempt();
        if (result != 0) return result;
        bool signalled = false;
        const bool came = domain.poll("descriptors", request, deadline, signalled);
        if (signalled || domain.my_seat().cancellation_wanted()) {
            const int last = attempt();
            if (last != 0) return last;
            errno = EINTR;
            return -1;
        }
        if (!came) return attempt();
    }
}

void begin_poll() {
    qemu_before_wait();
    runtime().operation(OperationKind::poll, nullptr, qemu_may_stop());
}

Nanoseconds deadline_in_milliseconds(int timeout) {
    return timeout < 0 ? no_deadline : runtime().now() + Nanoseconds{timeout} * millisecond;
}

/// poll(2) without waiting.
int look(pollfd* descriptors, nfds_t count) {
    for (nfds_t index = 0; index < count && journaling == Journaling::replay; ++index)
        descriptors[index].revents = 0;
    return outside_look(many_descriptors, descriptors, count * sizeof *descriptors,
                        [&] { return real().poll(descriptors, count, 0); });
}

int look_masked(pollfd* descriptors, nfds_t count, const sigset_t* mask) {
    const TemporaryMask during(mask);
    return look(descriptors, count);
}

int poll_descriptors(pollfd* descriptors, nfds_t count, Nanoseconds deadline, const sigset_t* mask) {
    PollRequest request{.descriptors = descriptors, .count = count};
    return poll_in_order(request, deadline, mask, [&] { return look(descriptors, count); });
}

int wait_for_events(int epoll, epoll_event* events, int most, Nanoseconds timeout, const sigset_t* mask) {
    begin_poll();
    // An epoll descriptor is itself readable when it has events: asking that way consumes none.
    pollfd descriptor{.fd = epoll, .events = POLLIN, .revents = 0};
    PollRequest request{.descriptors = &descriptor, .count = 1, .epoll = true};
    const auto attempt = [&] {
        return outside_look(many_descriptors, events, static_cast<std::size_t>(most) * sizeof *events,
                            [&] { return real().epoll_wait(epoll, events, most, 0); });
    };
    if (timeout == 0) return attempt();
    const Nanoseconds deadline = timeout == no_deadline ? no_deadline : runtime().now() + timeout;
    return poll_in_order(request, deadline, mask, attempt);
}

/// select(2)'s sets, as poll(2) wants them.
struct Selection {
    pollfd descriptors[FD_SETSIZE];
    nfds_t count = 0;

    Selection(int end, const fd_set* to_read, const fd_set* to_write, const fd_set* exceptional) {
        for (int descriptor = 0; descriptor < end && descriptor < FD_SETSIZE; ++descriptor) {
            const auto in = [&](const fd_set* set, short event) {
                return set != nullptr && FD_ISSET(descriptor, set) ? event : short{0};
            };
            const auto events =
                static_cast<short>(in(to_read, POLLIN) | in(to_write, POLLOUT) | in(exceptional, POLLPRI));
            if (events != 0) descriptors[count++] = {.fd = descriptor, .events = events, .revents = 0};
        }
    }
};

int select_in_order(int end, fd_set* to_read, fd_set* to_write, fd_set* exceptional, Nanoseconds deadline,
                    bool wait, const sigset_t* mask) {
    begin_poll();
    const auto copy = [](const fd_set* set) { return set != nullptr ? *set : fd_set{}; };
    const fd_set wanted_read = copy(to_read);
    const fd_set wanted_write = copy(to_write);
    const fd_set wanted_exceptional = copy(exceptional);
    const auto attempt = [&] {
        if (to_read != nullptr) *to_read = wanted_read;
        if (to_write != nullptr) *to_write = wanted_write;
        if (exceptional != nullptr) *exceptional = wanted_exceptional;
        fd_set* const sets[] = {to_read, to_write, exceptional};
        fd_set all[3] = {};
        const int result = outside_look(many_descriptors, all, sizeof all, [&] {
            timeval none{};
            const int found = real().select(end, to_read, to_write, exceptional, &none);
            for (int each = 0; each < 3; ++each)
                all[each] = copy(sets[each]);
            return found;
        });
        for (int each = 0; each < 3 && journaling == Journaling::replay; ++each)
            if (sets[each] != nullptr) *sets[each] = all[each];
        return result;
    };
    if (!wait) return attempt();
    Selection selection(end, to_read, to_write, exceptional);
    PollRequest request{.descriptors = selection.descriptors, .count = selection.count};
    return poll_in_order(request, deadline, mask, attempt);
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;
using escapement::Nanoseconds;
using escapement::no_deadline;

ESCAPEMENT_EXPORT int poll(pollfd* descriptors, nfds_t count, int timeout) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().poll(descriptors, count, timeout);
        begin_poll();
        result = timeout == 0
                     ? look(descriptors, count)
                     : poll_descriptors(descriptors, count, deadline_in_milliseconds(timeout), nullptr);
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int ppoll(pollfd* descriptors, nfds_t count, const timespec* timeout,
                            const sigset_t* mask) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().ppoll(descriptors, count, timeout, mask);
        begin_poll();
        const Nanoseconds deadline = timeout == nullptr ? no_deadline : runtime().deadline_in(*timeout);
        result = timeout != nullptr && timeout->tv_sec == 0 && timeout->tv_nsec == 0
                     ? look_masked(descriptors, count, mask)
                     : poll_descriptors(descriptors, count, deadline, mask);
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int select(int end, fd_set* to_read, fd_set* to_write, fd_set* exceptional,
                             timeval* timeout) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().select(end, to_read, to_write, exceptional, timeout);
        Nanoseconds deadline = no_deadline;
        if (timeout != nullptr) {
            if (timeout->tv_sec < 0 || timeout->tv_usec < 0) {
                errno = EINVAL;
                return -1;
            }
            deadline = runtime().deadline_in({.tv_sec = timeout->tv_sec, .tv_nsec = timeout->tv_usec * 1000});
        }
        const bool wait = timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_usec != 0;
        result = select_in_order(end, to_read, to_write, exceptional, deadline, wait, nullptr);
        if (timeout != nullptr && wait) {  // as Linux does: what is left of it
            const Nanoseconds left = deadline - runtime().now();
            *timeout = left <= 0
                           ? timeval{}
                           : timeval{.tv_sec = left / 1'000'000'000, .tv_usec = left % 1'000'000'000 / 1000};
        }
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int pselect(int end, fd_set* to_read, fd_set* to_write, fd_set* exceptional,
                              const timespec* timeout, const sigset_t* mask) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().pselect(end, to_read, to_write, exceptional, timeout, mask);
        const Nanoseconds deadline = timeout == nullptr ? no_deadline : runtime().deadline_in(*timeout);
        const bool wait = timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_nsec != 0;
        result = select_in_order(end, to_read, to_write, exceptional, deadline, wait, mask);
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int epoll_pwait(int epoll, epoll_event* events, int most, int timeout,
                                  const sigset_t* mask) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().epoll_pwait(epoll, events, most, timeout, mask);
        const Nanoseconds time = timeout < 0 ? no_deadline : Nanoseconds{timeout} * millisecond;
        result = wait_for_events(epoll, events, most, time, mask);
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* timeout,
                                   const sigset_t* mask) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().epoll_pwait2(epoll, events, most, timeout, mask);
        const Nanoseconds now = runtime().now();
        const Nanoseconds deadline = timeout == nullptr ? no_deadline : runtime().deadline_in(*timeout);
        const Nanoseconds time = deadline == no_deadline ? no_deadline : deadline - now;
        result = wait_for_events(epoll, events, most, time, mask);
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
    return epoll_pwait(epoll, events, most, timeout, nullptr);
}
