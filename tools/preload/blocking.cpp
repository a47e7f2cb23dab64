// Calls that may wait for the outside on a descriptor or for a child: the caller first waits in the order
// until the call will not block, so that the others go on meanwhile.

#include "descriptors.hpp"
#include "randomness.hpp"
#include "real.hpp"
#include "runtime.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cerrno>

namespace escapement::preload {

namespace {

/// Waits until `descriptor` is ready for `events`, unless the call to come does not block anyway. False if a
/// signal handler ended the wait.
bool wait_until_ready(int descriptor, short events) {
    Runtime& domain = runtime();
    domain.operation(false);
    if (domain.order().alone()) return true;  // nobody to keep waiting
    if (events == POLLOUT && is_descriptor(descriptor, DescriptorKind::event_counter)) return true;
    pollfd asked{.fd = descriptor, .events = events, .revents = 0};
    const int saved = errno;
    while (real().poll(&asked, 1, 0) == 0) {
        const int flags = fcntl(descriptor, F_GETFL);
        if (flags < 0 || (flags & O_NONBLOCK) != 0) break;
        PollRequest request{.descriptors = &asked, .count = 1};
        bool signalled = false;
        if (domain.poll("a descriptor", request, no_deadline, signalled)) {
            if (signalled || domain.my_seat().cancelled.load(std::memory_order_relaxed)) {
                if (real().poll(&asked, 1, 0) != 0) break;
                errno = EINTR;
                return false;
            }
        }
    }
    errno = saved;
    return true;
}

/// `call` when `descriptor` is ready for `events`.
template <typename Call>
auto call_when_ready(int descriptor, short events, Call call) -> decltype(call()) {
    decltype(call()) result = -1;
    {
        const Entry entry;
        if (!entry.ordered()) return call();
        if (wait_until_ready(descriptor, events)) result = call();
    }
    if (result < 0) pthread_testcancel();
    return result;
}

/// A child's change of state: `attempt` is the real call with WNOHANG and returns 0 if there is none yet.
template <typename Attempt>
pid_t wait_for_child(pid_t child, int options, Attempt attempt) {
    Runtime& domain = runtime();
    domain.operation(false);
    for (;;) {
        const pid_t result = attempt();
        if (result != 0 || (options & WNOHANG) != 0) return result;
        PollRequest request;
        request.child = child;
        request.children = true;
        request.child_options = WEXITED | (options & (WUNTRACED | WCONTINUED));
        bool signalled = false;
        domain.poll("a child process", request, no_deadline, signalled);
        if (signalled) {
            const pid_t last = attempt();
            if (last != 0) return last;
            errno = EINTR;
            return -1;
        }
    }
}

}  // namespace

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

ESCAPEMENT_EXPORT ssize_t write(int descriptor, const void* buffer, std::size_t size) {
    return call_when_ready(descriptor, POLLOUT, [&] { return real().write(descriptor, buffer, size); });
}

ESCAPEMENT_EXPORT ssize_t writev(int descriptor, const iovec* parts, int count) {
    return call_when_ready(descriptor, POLLOUT, [&] { return real().writev(descriptor, parts, count); });
}

ESCAPEMENT_EXPORT ssize_t send(int descriptor, const void* buffer, std::size_t size, int flags) {
    const auto call = [&] { return real().send(descriptor, buffer, size, flags); };
    return (flags & MSG_DONTWAIT) != 0 ? call() : call_when_ready(descriptor, POLLOUT, call);
}

ESCAPEMENT_EXPORT ssize_t sendto(int descriptor, const void* buffer, std::size_t size, int flags,
                                 const sockaddr* address, socklen_t length) {
    const auto call = [&] { return real().sendto(descriptor, buffer, size, flags, address, length); };
    return (flags & MSG_DONTWAIT) != 0 ? call() : call_when_ready(descriptor, POLLOUT, call);
}

ESCAPEMENT_EXPORT ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
    const auto call = [&] { return real().sendmsg(descriptor, message, flags); };
    return (flags & MSG_DONTWAIT) != 0 ? call() : call_when_ready(descriptor, POLLOUT, call);
}

ESCAPEMENT_EXPORT int connect(int descriptor, const sockaddr* address, socklen_t length) {
    const Entry entry;
    const int flags = fcntl(descriptor, F_GETFL);
    if (!entry.ordered() || (flags & O_NONBLOCK) != 0) return real().connect(descriptor, address, length);
    runtime().operation(false);
    const Outside outside("a connection");
    return real().connect(descriptor, address, length);
}

ESCAPEMENT_EXPORT pid_t wait4(pid_t child, int* status, int options, rusage* usage) {
    const Entry entry;
    if (!entry.ordered()) return real().wait4(child, status, options, usage);
    return wait_for_child(child, options,
                          [&] { return real().wait4(child, status, options | WNOHANG, usage); });
}

ESCAPEMENT_EXPORT pid_t waitpid(pid_t child, int* status, int options) {
    return wait4(child, status, options, nullptr);
}

ESCAPEMENT_EXPORT pid_t wait(int* status) {
    return wait4(-1, status, 0, nullptr);
}
