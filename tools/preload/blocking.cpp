#include "blocking.hpp"

#include "descriptors.hpp"
#include "randomness.hpp"
#include "real.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace escapement::preload {

bool wait_until_ready(int descriptor, short events) {
    Runtime& domain = runtime();
    domain.operation(false);
    if (domain.order().alone()) return true;  // nobody to keep waiting
    if (events == POLLOUT && is_descriptor(descriptor, DescriptorKind::event_counter)) return true;
    pollfd asked{.fd = descriptor, .events = events, .revents = 0};
    const int saved = errno;
    const auto ready = [&] { return real().poll(&asked, 1, 0) != 0; };
    Seat& seat = domain.my_seat();
    domain.expect_signals();
    while (!ready()) {
        const int flags = fcntl(descriptor, F_GETFL);
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

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT ssize_t read(int descriptor, void* buffer, std::size_t size) {
    if (is_descriptor(descriptor, DescriptorKind::random_device)) {
        const Entry entry;
        if (entry.ordered()) {
            runtime().operation(false);
            fill_randomly(buffer, size);
            return static_cast<ssize_t>(size);
        }
    }
    return call_when_ready(descriptor, POLLIN, [&] { return real().read(descriptor, buffer, size); });
}

ESCAPEMENT_EXPORT ssize_t readv(int descriptor, const iovec* parts, int count) {
    return call_when_ready(descriptor, POLLIN, [&] { return real().readv(descriptor, parts, count); });
}

ESCAPEMENT_EXPORT ssize_t recv(int descriptor, void* buffer, std::size_t size, int flags) {
    const auto call = [&] { return real().recv(descriptor, buffer, size, flags); };
    return (flags & MSG_DONTWAIT) != 0 ? call() : call_when_ready(descriptor, POLLIN, call);
}

ESCAPEMENT_EXPORT ssize_t recvfrom(int descriptor, void* buffer, std::size_t size, int flags,
                                   sockaddr* address, socklen_t* length) {
    const auto call = [&] { return real().recvfrom(descriptor, buffer, size, flags, address, length); };
    return (flags & MSG_DONTWAIT) != 0 ? call() : call_when_ready(descriptor, POLLIN, call);
}

ESCAPEMENT_EXPORT ssize_t recvmsg(int descriptor, msghdr* message, int flags) {
    const auto call = [&] { return real().recvmsg(descriptor, message, flags); };
    return (flags & MSG_DONTWAIT) != 0 ? call() : call_when_ready(descriptor, POLLIN, call);
}

ESCAPEMENT_EXPORT int accept(int descriptor, sockaddr* address, socklen_t* length) {
    return call_when_ready(descriptor, POLLIN, [&] { return real().accept(descriptor, address, length); });
}

ESCAPEMENT_EXPORT int accept4(int descriptor, sockaddr* address, socklen_t* length, int flags) {
    return call_when_ready(descriptor, POLLIN,
                           [&] { return real().accept4(descriptor, address, length, flags); });
}

ESCAPEMENT_EXPORT int connect(int descriptor, const sockaddr* address, socklen_t length) {
    const auto call = [&] { return real().connect(descriptor, address, length); };
    int result = 0;
    {
        const Entry entry;
        const int flags = fcntl(descriptor, F_GETFL);
        if (!entry.ordered() || flags < 0 || (flags & O_NONBLOCK) != 0) return call();
        const CancellationPoint point;
        runtime().operation(false);
        if (runtime().order().alone()) return call();
        // To begin it without blocking says at once whether there is anything to wait for: on one machine
        // there hardly ever is.
        fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
        result = call();
        const int error = errno;
        fcntl(descriptor, F_SETFL, flags);
        errno = error;
        if (result != 0 && error == EINPROGRESS) {
            if (!wait_until_ready(descriptor, POLLOUT)) return -1;
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
