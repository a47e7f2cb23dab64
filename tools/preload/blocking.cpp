#include "blocking.hpp"

#include "descriptors.hpp"
#include "outside_input.hpp"
#include "randomness.hpp"
#include "real.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

namespace escapement::preload {

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
    while (!ready()) {
        const int flags = replays ? 0 : fcntl(descriptor, F_GETFL);
        if (flags < 0 || (flags & O_NONBLOCK) != 0) break;
        PollRequest request{.descriptors = &asked, .count = 1};
        bool signalled = false;
        domain.poll("a descriptor", request, no_deadline, signalled);
        seat.signalled.store(false, std::memory_order_relaxed);
        if (seat.interrupted.load(std::memory_order_relaxed) || seat.cancellation_wanted()) {
            if (ready()) break;
            errno = EINTR;
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
ssize_t read_at_once(int descriptor, const iovec* parts, int count, Call call, More more) {
    if (journaling == Journaling::off) return call();
    const Entry entry;
    if (!entry.ordered()) return call();
    const DescriptorFacts facts = runtime().operation_on(OperationKind::read, descriptor);
    const ssize_t result = outside_read(facts, descriptor, parts, count, call);
    if (facts.journaled() && result >= 0) more();
    return result;
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
    const auto call = [&] { return real().recv(descriptor, buffer, size, flags); };
    const iovec part{.iov_base = buffer, .iov_len = size};
    return (flags & MSG_DONTWAIT) != 0 ? read_at_once(descriptor, &part, 1, call, nothing_more)
                                       : read_when_ready(descriptor, &part, 1, call, nothing_more);
}

ESCAPEMENT_EXPORT ssize_t recvfrom(int descriptor, void* buffer, std::size_t size, int flags,
                                   sockaddr* address, socklen_t* length) {
    const socklen_t room = length != nullptr ? *length : 0;
    const auto call = [&] { return real().recvfrom(descriptor, buffer, size, flags, address, length); };
    const auto more = [&] { outside_address(descriptor, address, room, length); };
    const iovec part{.iov_base = buffer, .iov_len = size};
    return (flags & MSG_DONTWAIT) != 0 ? read_at_once(descriptor, &part, 1, call, more)
                                       : read_when_ready(descriptor, &part, 1, call, more);
}

ESCAPEMENT_EXPORT ssize_t recvmsg(int descriptor, msghdr* message, int flags) {
    const socklen_t room = message->msg_namelen;
    const auto call = [&] { return real().recvmsg(descriptor, message, flags); };
    const auto more = [&] {
        outside_address(descriptor, static_cast<sockaddr*>(message->msg_name), room, &message->msg_namelen);
        outside_bytes(descriptor, &message->msg_flags, sizeof message->msg_flags);
        // Descriptors that came along are the host's: they cannot be made again.
        if (journaling == Journaling::replay) message->msg_controllen = 0;
    };
    const iovec* const parts = message->msg_iov;
    const auto count = static_cast<int>(message->msg_iovlen);
    return (flags & MSG_DONTWAIT) != 0 ? read_at_once(descriptor, parts, count, call, more)
                                       : read_when_ready(descriptor, parts, count, call, more);
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
