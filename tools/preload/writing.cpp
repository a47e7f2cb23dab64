// Writing to what may be full. A descriptor that blocks takes all that it is given; so does this, in parts
// that fit, and between them the others go on: they may be the ones who read it.

#include "blocking.hpp"
#include "descriptors.hpp"
#include "real.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace escapement::preload {

namespace {

mode_t kind_of(int descriptor) {
    struct stat status {};
    return fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : 0;
}

bool blocks(int descriptor) {
    const int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

/// Bytes one after the other: `part` of them at a time by `put`, which does not block when the descriptor is
/// ready.
template <typename Put>
ssize_t write_all(int descriptor, const iovec* parts, int count, std::size_t done, std::size_t most,
                  Put put) {
    std::size_t before = 0;  // of the parts already looked at
    for (int index = 0; index < count; ++index) {
        const iovec& each = parts[index];
        while (done < before + each.iov_len) {
            const std::size_t at = done - before;
            const std::size_t size = std::min(most, each.iov_len - at);
            const bool ready = wait_until_ready(descriptor, POLLOUT);
            const ssize_t wrote = ready ? put(static_cast<const char*>(each.iov_base) + at, size) : -1;
            if (wrote < 0) return done > 0 ? static_cast<ssize_t>(done) : -1;
            done += static_cast<std::size_t>(wrote);
        }
        before += each.iov_len;
    }
    return static_cast<ssize_t>(done);
}

std::size_t size_of(const iovec* parts, std::size_t count) {
    std::size_t size = 0;
    for (std::size_t index = 0; index < count; ++index)
        size += parts[index].iov_len;
    return size;
}

/// One message without waiting; if a stream took only the beginning, the rest as well.
ssize_t send_all(int descriptor, const msghdr& message, int flags) {
    if (!wait_until_ready(descriptor, POLLOUT)) return -1;
    ssize_t sent = real().sendmsg(descriptor, &message, flags | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) {  // ready, but not for this message
        const Outside outside("room in a socket");
        return real().sendmsg(descriptor, &message, flags);
    }
    const std::size_t size = size_of(message.msg_iov, message.msg_iovlen);
    if (sent < 0 || static_cast<std::size_t>(sent) >= size) return sent;
    return write_all(descriptor, message.msg_iov, static_cast<int>(message.msg_iovlen),
                     static_cast<std::size_t>(sent), SSIZE_MAX, [&](const char* from, std::size_t part) {
                         const ssize_t more = real().send(descriptor, from, part, flags | MSG_DONTWAIT);
                         return more < 0 && errno == EAGAIN ? ssize_t{0} : more;
                     });
}

/// `call` is the real one, for what does not block or never takes less than it is given.
template <typename Call>
ssize_t write_in_order(int descriptor, const iovec* parts, int count, Call call) {
    ssize_t result = -1;
    {
        const Entry entry;
        if (!entry.ordered()) return call();
        const CancellationPoint point;
        const std::size_t size = size_of(parts, static_cast<std::size_t>(count));
        const mode_t kind =
            runtime().order().alone() || is_descriptor(descriptor, DescriptorKind::event_counter)
                ? 0
                : kind_of(descriptor);
        if (kind == S_IFSOCK && blocks(descriptor)) {
            msghdr message{};
            message.msg_iov = const_cast<iovec*>(parts);
            message.msg_iovlen = static_cast<std::size_t>(count);
            result = send_all(descriptor, message, 0);
        } else if (kind == S_IFIFO && size > PIPE_BUF && blocks(descriptor)) {
            // A pipe that is ready has room for this much. Source: pipe(7); kernel, fs/pipe.c (pipe_poll).
            result = write_all(
                descriptor, parts, count, 0, PIPE_BUF,
                [&](const char* from, std::size_t part) { return real().write(descriptor, from, part); });
        } else if (wait_until_ready(descriptor, POLLOUT)) {
            result = call();
        }
    }
    if (result < 0) pthread_testcancel();
    return result;
}

template <typename Call>
ssize_t send_in_order(int descriptor, const msghdr& message, int flags, Call call) {
    if ((flags & MSG_DONTWAIT) != 0) return call();
    ssize_t result = -1;
    {
        const Entry entry;
        if (!entry.ordered()) return call();
        const CancellationPoint point;
        if (runtime().order().alone() || !blocks(descriptor)) {
            runtime().operation(false);
            return call();
        }
        result = send_all(descriptor, message, flags);
    }
    if (result < 0) pthread_testcancel();
    return result;
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT ssize_t write(int descriptor, const void* buffer, std::size_t size) {
    const iovec part{.iov_base = const_cast<void*>(buffer), .iov_len = size};
    return write_in_order(descriptor, &part, 1, [&] { return real().write(descriptor, buffer, size); });
}

ESCAPEMENT_EXPORT ssize_t writev(int descriptor, const iovec* parts, int count) {
    const auto call = [&] { return real().writev(descriptor, parts, count); };
    if (count <= 0 || count > IOV_MAX) return call();
    return write_in_order(descriptor, parts, count, call);
}

ESCAPEMENT_EXPORT ssize_t send(int descriptor, const void* buffer, std::size_t size, int flags) {
    return sendto(descriptor, buffer, size, flags, nullptr, 0);
}

ESCAPEMENT_EXPORT ssize_t sendto(int descriptor, const void* buffer, std::size_t size, int flags,
                                 const sockaddr* address, socklen_t length) {
    iovec part{.iov_base = const_cast<void*>(buffer), .iov_len = size};
    msghdr message{};
    message.msg_name = const_cast<sockaddr*>(address);
    message.msg_namelen = length;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return send_in_order(descriptor, message, flags,
                         [&] { return real().sendto(descriptor, buffer, size, flags, address, length); });
}

ESCAPEMENT_EXPORT ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
    return send_in_order(descriptor, *message, flags,
                         [&] { return real().sendmsg(descriptor, message, flags); });
}
