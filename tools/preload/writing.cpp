// Writing to what may be full. A descriptor that blocks takes all that it is given; so does this, in parts
// that fit, and between them the others go on: they may be the ones who read it.

#include "blocking.hpp"
#include "descriptors.hpp"
#include "real.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace escapement::preload {

namespace {

/// Bytes one after the other: `part` of them at a time by `put`, which does not block when the descriptor is
/// ready. If nothing is done yet, the first operation has been counted.
template <typename Put>
ssize_t write_all(int descriptor, DescriptorFacts facts, const iovec* parts, int count, std::size_t done,
                  std::size_t most, Put put) {
    bool counted = done == 0;
    std::size_t before = 0;  // of the parts already looked at
    for (int index = 0; index < count; ++index) {
        const iovec& each = parts[index];
        while (done < before + each.iov_len) {
            const std::size_t at = done - before;
            const std::size_t size = std::min(most, each.iov_len - at);
            if (!counted) facts = runtime().operation_on(OperationKind::write, descriptor);
            counted = false;
            const bool ready = wait_until_ready(facts, descriptor, POLLOUT);
            const char* const from = static_cast<const char*>(each.iov_base) + at;
            const iovec piece{.iov_base = const_cast<char*>(from), .iov_len = size};
            const ssize_t wrote =
                ready ? outside_write(facts, descriptor, &piece, 1, [&] { return put(from, size); }) : -1;
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
ssize_t send_all(int descriptor, const DescriptorFacts& facts, const msghdr& message, int flags) {
    if (!wait_until_ready(facts, descriptor, POLLOUT)) return -1;
    const auto count = static_cast<int>(message.msg_iovlen);
    const ssize_t sent = outside_write(facts, descriptor, message.msg_iov, count, [&] {
        return real().sendmsg(descriptor, &message, flags | MSG_DONTWAIT);
    });
    if (sent < 0 && errno == EAGAIN) {  // ready, but not for this message
        const Outside outside("room in a socket");
        return outside_write(facts, descriptor, message.msg_iov, count,
                             [&] { return real().sendmsg(descriptor, &message, flags); });
    }
    const std::size_t size = size_of(message.msg_iov, message.msg_iovlen);
    if (sent < 0 || static_cast<std::size_t>(sent) >= size) return sent;
    return write_all(descriptor, facts, message.msg_iov, static_cast<int>(message.msg_iovlen),
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
        DescriptorFacts facts = runtime().operation_on(OperationKind::write, descriptor);
        const bool simple = journaling != Journaling::off || runtime().order().alone() ||
                            is_descriptor(descriptor, DescriptorKind::event_counter);
        if (!simple) facts = facts_of(descriptor);
        if (facts.socket && facts.blocks) {
            msghdr message{};
            message.msg_iov = const_cast<iovec*>(parts);
            message.msg_iovlen = static_cast<std::size_t>(count);
            result = send_all(descriptor, facts, message, 0);
        } else if (facts.pipe && facts.blocks && size > PIPE_BUF) {
            // A pipe that is ready has room for this much. Source: pipe(7); kernel, fs/pipe.c (pipe_poll).
            result = write_all(
                descriptor, facts, parts, count, 0, PIPE_BUF,
                [&](const char* from, std::size_t part) { return real().write(descriptor, from, part); });
        } else if (wait_until_ready(facts, descriptor, POLLOUT)) {
            result = outside_write(facts, descriptor, parts, count, call);
        }
    }
    if (result < 0) pthread_testcancel();
    return result;
}

template <typename Call>
ssize_t send_in_order(int descriptor, const msghdr& message, int flags, Call call) {
    const bool waits = (flags & MSG_DONTWAIT) == 0;
    if (!waits && journaling == Journaling::off) return call();
    ssize_t result = -1;
    {
        const Entry entry;
        if (!entry.ordered()) return call();
        const CancellationPoint point;
        DescriptorFacts facts = runtime().operation_on(OperationKind::write, descriptor);
        const bool off = journaling == Journaling::off;
        if (off && runtime().order().alone()) return call();
        if (off) facts = facts_of(descriptor);
        if (!waits || !facts.blocks) {
            return outside_write(facts, descriptor, message.msg_iov, static_cast<int>(message.msg_iovlen),
                                 call);
        }
        result = send_all(descriptor, facts, message, flags);
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

ESCAPEMENT_EXPORT int sendmmsg(int descriptor, mmsghdr* messages, unsigned count, int flags) {
    unsigned done = 0;
    for (; done < count; ++done) {
        const ssize_t sent = sendmsg(descriptor, &messages[done].msg_hdr, flags);
        if (sent < 0) return done > 0 ? static_cast<int>(done) : -1;
        messages[done].msg_len = static_cast<unsigned>(sent);
    }
    return static_cast<int>(done);
}
