#include "blocking.hpp"

#include "descriptors.hpp"
#include "outside_input.hpp"
#include "randomness.hpp"
#include "real.hpp"
#include "timespecs.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>

namespace escapement::preload {

namespace {

/// When a socket's own patience (SO_RCVTIMEO, SO_SNDTIMEO) with a call that begins now is over. Source:
/// socket(7).
Nanoseconds deadline_of(int descriptor, short events) {
    timeval patience{};
    socklen_t size = sizeof patience;
    const int option = events == POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO;
    if (getsockopt(descriptor, SOL_SOCKET, option, &patience, &size) != 0) return no_deadline;
    if (patience.tv_sec == 0 && patience.tv_usec == 0) return no_deadline;
    return runtime().deadline_in({.tv_sec = patience.tv_sec, .tv_nsec = patience.tv_usec * 1000});
}

}  // namespace

bool wait_until_ready(const DescriptorFacts& facts, int descriptor, short events) {
    Runtime& domain = runtime();
    const bool replays = journaling == Journaling::replay;
    const bool journaled = journaling != Journaling::off && facts.journaled();
    if (replays && !journaled) return true;
    // Nobody to keep waiting; but a signal may be meant to end the wait, and is taken in the order then. A
    // timer fires in the order only.
    if (!journaled && domain.order().alone() && domain.order().alarm() == no_deadline) return true;
    if (!replays && events == POLLOUT && is_descriptor(descriptor, DescriptorKind::event_counter))
        return true;
    pollfd asked{.fd = descriptor, .events = events, .revents = 0};
    const int saved = errno;
    const auto ready = [&] {
        return replays ? input_comes_from(descriptor) : real().poll(&asked, 1, 0) != 0;
    };
    Seat& seat = domain.my_seat();
    domain.expect_signals();
    std::optional<Nanoseconds> deadline;  // asked for when there is something to wait for
    while (!ready()) {
        const int flags = replays ? 0 : fcntl(descriptor, F_GETFL);
        if (flags < 0 || (flags & O_NONBLOCK) != 0) break;
        if (!deadline) deadline = deadline_of(descriptor, events);
        PollRequest request{.descriptors = &asked, .count = 1};
        bool signalled = false;
        const bool came = domain.poll("a descriptor", request, *deadline, signalled);
        seat.signalled.store(false, std::memory_order_relaxed);
        if (seat.interrupted.load(std::memory_order_relaxed) || seat.cancellation_wanted()) {
            if (ready()) break;
            errno = EINTR;
            return false;
        }
        if (!came && !signalled && *deadline != no_deadline) {
            if (ready()) break;
            errno = EAGAIN;
            return false;
        }
    }
    errno = saved;
    return true;
}

namespace {

constexpr auto nothing_more = [] {};

/// One that is there already, or not at all: MSG_DONTWAIT.
template <typename Call, typename More>
ssize_t read_at_once(int descriptor, const iovec* parts, int count, Call call, More more, bool peeks) {
    if (journaling == Journaling::off) return call();
    const Entry entry;
    if (!entry.ordered()) return call();
    const DescriptorFacts facts = runtime().operation_on(OperationKind::read, descriptor);
    const ssize_t result = outside_read(facts, descriptor, parts, count, call, peeks);
    if (facts.journaled() && result >= 0) more();
    return result;
}

/// True if MSG_WAITALL means anything: messages are as long as they are.
bool is_stream(int descriptor) {
    int type = 0;
    socklen_t size = sizeof type;
    const int saved = errno;
    const bool known = getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
    errno = saved;
    return known && type == SOCK_STREAM;
}

/// What of `parts` is left to fill when `done` bytes are there, unless the stream ends before.
ssize_t receive_rest(int descriptor, const iovec* parts, int count, std::size_t done, int flags) {
    for (;;) {
        iovec left[most_parts];
        msghdr message{};
        message.msg_iov = left;
        const int used = cut(parts, count, done, SSIZE_MAX, left);
        message.msg_iovlen = static_cast<std::size_t>(used);
        if (used == 0) return static_cast<ssize_t>(done);
        const ssize_t more = read_when_ready(
            descriptor, left, used, [&] { return real().recvmsg(descriptor, &message, flags); },
            nothing_more);
        if (more <= 0) return static_cast<ssize_t>(done);
        done += static_cast<std::size_t>(more);
    }
}

/// `call` is the real one with the flags that it is given. One that waits for all of what it asked for
/// (MSG_WAITALL) would wait in the kernel, with the turn: it is made in parts.
template <typename Call, typename More>
ssize_t receive(int descriptor, const iovec* parts, int count, int flags, Call call, More more) {
    const bool peeks = (flags & MSG_PEEK) != 0;
    if ((flags & MSG_DONTWAIT) != 0)
        return read_at_once(
            descriptor, parts, count, [&] { return call(flags); }, more, peeks);
    const bool all = (flags & MSG_WAITALL) != 0 && !peeks && is_stream(descriptor);
    const int first = all ? flags & ~MSG_WAITALL : flags;
    const ssize_t got = read_when_ready(
        descriptor, parts, count, [&] { return call(first); }, more, peeks);
    return all && got > 0 ? receive_rest(descriptor, parts, count, static_cast<std::size_t>(got), first)
                          : got;
}

/// The address that a call gave, if it was asked for.
void outside_address(int descriptor, sockaddr* address, socklen_t room, socklen_t* length) {
    if (address == nullptr || length == nullptr) return;
    outside_bytes(descriptor, length, sizeof *length);
    outside_bytes(descriptor, address, std::min({room, *length, socklen_t{sizeof(sockaddr_storage)}}));
}

/// A connection to `listener` in a replay: nobody is at its other end. It is of the same kind, because a
/// program sets options of that kind.
int stand_in(int listener, int number, int flags) {
    int domain = AF_UNIX;
    int type = SOCK_STREAM;
    int protocol = 0;
    socklen_t size = sizeof domain;
    getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    getsockopt(listener, SOL_SOCKET, SO_TYPE, &type, &size);
    getsockopt(listener, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
    const int made = socket(domain, type | flags, protocol);
    if (made < 0 || made == number) return made;
    const int moved = dup3(made, number, (flags & SOCK_CLOEXEC) != 0 ? O_CLOEXEC : 0);
    real().close(made);
    return moved;
}

template <typename Call>
int accept_in_order(int descriptor, sockaddr* address, socklen_t* length, int flags, Call call) {
    const socklen_t room = length != nullptr ? *length : 0;
    const auto accept_it = [&] { return static_cast<ssize_t>(call()); };
    const auto result = static_cast<int>(read_when_ready(
        descriptor, nullptr, 0, accept_it, [&] { outside_address(descriptor, address, room, length); }));
    return result >= 0 && journaling == Journaling::replay ? stand_in(descriptor, result, flags) : result;
}

/// To begin it without blocking says at once whether there is anything to wait for: on one machine there
/// hardly ever is.
template <typename Call>
int connect_in_order(const DescriptorFacts& facts, int descriptor, int flags, bool waits, Call call) {
    const bool alone = journaling == Journaling::off && runtime().order().alone();
    if (!waits || alone) return call();
    fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
    int result = call();
    const int error = errno;
    fcntl(descriptor, F_SETFL, flags);
    errno = error;
    if (result != 0 && error == EINPROGRESS) {
        if (!wait_until_ready(facts, descriptor, POLLOUT)) return -1;
        int outcome = 0;
        socklen_t size = sizeof outcome;
        result = getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &outcome, &size);
        if (result == 0 && outcome != 0) {
            errno = outcome;
            result = -1;
        }
    } else if (result != 0 && error == EAGAIN) {  // a local socket whose listener has too many waiting
        const Outside outside("a connection");
        result = call();
    }
    return result;
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;
using escapement::Nanoseconds;
using escapement::no_deadline;
using escapement::OperationKind;

ESCAPEMENT_EXPORT ssize_t read(int descriptor, void* buffer, std::size_t size) {
    if (is_descriptor(descriptor, DescriptorKind::random_device)) {
        const Entry entry;
        if (entry.ordered()) {
            runtime().operation(OperationKind::random, nullptr, false);
            fill_randomly(buffer, size);
            return static_cast<ssize_t>(size);
        }
    }
    const iovec part{.iov_base = buffer, .iov_len = size};
    return read_when_ready(
        descriptor, &part, 1, [&] { return real().read(descriptor, buffer, size); }, nothing_more);
}

ESCAPEMENT_EXPORT ssize_t readv(int descriptor, const iovec* parts, int count) {
    return read_when_ready(
        descriptor, parts, count, [&] { return real().readv(descriptor, parts, count); }, nothing_more);
}

ESCAPEMENT_EXPORT ssize_t recv(int descriptor, void* buffer, std::size_t size, int flags) {
    const iovec part{.iov_base = buffer, .iov_len = size};
    return receive(
        descriptor, &part, 1, flags, [&](int now) { return real().recv(descriptor, buffer, size, now); },
        nothing_more);
}

ESCAPEMENT_EXPORT ssize_t recvfrom(int descriptor, void* buffer, std::size_t size, int flags,
                                   sockaddr* address, socklen_t* length) {
    const socklen_t room = length != nullptr ? *length : 0;
    const iovec part{.iov_base = buffer, .iov_len = size};
    return receive(
        descriptor, &part, 1, flags,
        [&](int now) { return real().recvfrom(descriptor, buffer, size, now, address, length); },
        [&] { outside_address(descriptor, address, room, length); });
}

ESCAPEMENT_EXPORT ssize_t recvmsg(int descriptor, msghdr* message, int flags) {
    const socklen_t room = message->msg_namelen;
    const auto more = [&] {
        outside_address(descriptor, static_cast<sockaddr*>(message->msg_name), room, &message->msg_namelen);
        outside_bytes(descriptor, &message->msg_flags, sizeof message->msg_flags);
        // Descriptors that came along are the host's: they cannot be made again.
        if (journaling == Journaling::replay) message->msg_controllen = 0;
    };
    return receive(
        descriptor, message->msg_iov, static_cast<int>(message->msg_iovlen), flags,
        [&](int now) { return real().recvmsg(descriptor, message, now); }, more);
}

/// As the kernel does it: one message after the other, and the time is looked at after each.
ESCAPEMENT_EXPORT int recvmmsg(int descriptor, mmsghdr* messages, unsigned count, int flags, timespec* left) {
    const auto time = [] {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        return nanoseconds(now);
    };
    if (left != nullptr && !is_valid(*left)) {
        errno = EINVAL;
        return -1;
    }
    const Nanoseconds deadline = left != nullptr ? time() + interval_of(*left) : no_deadline;
    int now = flags & ~MSG_WAITFORONE;
    unsigned done = 0;
    while (done < count) {
        const ssize_t got = recvmsg(descriptor, &messages[done].msg_hdr, now);
        if (got < 0) return done > 0 ? static_cast<int>(done) : -1;
        messages[done++].msg_len = static_cast<unsigned>(got);
        if ((flags & MSG_WAITFORONE) != 0) now |= MSG_DONTWAIT;
        if (left == nullptr) continue;
        const Nanoseconds rest = std::max<Nanoseconds>(deadline - time(), 0);
        *left = timespec_of(rest);
        if (rest == 0) break;
    }
    return static_cast<int>(done);
}

ESCAPEMENT_EXPORT int accept(int descriptor, sockaddr* address, socklen_t* length) {
    return accept_in_order(descriptor, address, length, 0,
                           [&] { return real().accept(descriptor, address, length); });
}

ESCAPEMENT_EXPORT int accept4(int descriptor, sockaddr* address, socklen_t* length, int flags) {
    return accept_in_order(descriptor, address, length, flags,
                           [&] { return real().accept4(descriptor, address, length, flags); });
}

ESCAPEMENT_EXPORT int connect(int descriptor, const sockaddr* address, socklen_t length) {
    const auto call = [&] { return real().connect(descriptor, address, length); };
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return call();
        const int flags = fcntl(descriptor, F_GETFL);
        const bool waits = flags >= 0 && (flags & O_NONBLOCK) == 0;
        if (!waits && journaling == Journaling::off) return call();
        const CancellationPoint point;
        const DescriptorFacts facts = runtime().operation_on(OperationKind::open, descriptor);
        if (journaling == Journaling::replay) {
            // As it went then; on the way the caller may have waited.
            if (!facts.journaled()) return call();
            if (facts.blocks && !wait_until_ready(facts, descriptor, POLLOUT)) return -1;
            return static_cast<int>(replay_input(descriptor, nullptr, 0));
        }
        result = connect_in_order(facts, descriptor, flags, waits, call);
        if (facts.journaled() && journaling == Journaling::record && !(result < 0 && errno == EINTR))
            record_input(descriptor, with_errno(result), nullptr, 0, 0);
    }
    if (result < 0) pthread_testcancel();
    return result;
}

// What programs built with checks of buffers (_FORTIFY_SOURCE) call: the check is the real function's, which
// ends the program.

namespace {
[[noreturn]] void overflow() {
    reinterpret_cast<void (*)()>(next_function("__chk_fail"))();
    __builtin_unreachable();
}
}  // namespace

ESCAPEMENT_EXPORT ssize_t __read_chk(int descriptor, void* buffer, std::size_t size, std::size_t room) {
    if (size > room) overflow();
    return read(descriptor, buffer, size);
}

ESCAPEMENT_EXPORT ssize_t __recv_chk(int descriptor, void* buffer, std::size_t size, std::size_t room,
                                     int flags) {
    if (size > room) overflow();
    return recv(descriptor, buffer, size, flags);
}

ESCAPEMENT_EXPORT ssize_t __recvfrom_chk(int descriptor, void* buffer, std::size_t size, std::size_t room,
                                         int flags, sockaddr* address, socklen_t* length) {
    if (size > room) overflow();
    return recvfrom(descriptor, buffer, size, flags, address, length);
}

ESCAPEMENT_EXPORT int __poll_chk(pollfd* descriptors, nfds_t count, int timeout, std::size_t room) {
    if (room / sizeof *descriptors < count) overflow();
    return poll(descriptors, count, timeout);
}

ESCAPEMENT_EXPORT int __ppoll_chk(pollfd* descriptors, nfds_t count, const timespec* timeout,
                                  const sigset_t* mask, std::size_t room) {
    if (room / sizeof *descriptors < count) overflow();
    return ppoll(descriptors, count, timeout, mask);
}
