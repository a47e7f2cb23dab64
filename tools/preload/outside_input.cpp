#include "outside_input.hpp"

#include "descriptors.hpp"
#include "runtime.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace escapement::preload {

namespace {

std::uint64_t value_of(int source) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(source));
}

enum class InputKind : std::uint8_t { file, pipe, socket, terminal };

InputKind kind_of_input() {
    struct stat status {};
    if (fstat(STDIN_FILENO, &status) != 0) return InputKind::file;
    if (S_ISFIFO(status.st_mode)) return InputKind::pipe;
    if (S_ISSOCK(status.st_mode)) return InputKind::socket;
    return isatty(STDIN_FILENO) == 1 ? InputKind::terminal : InputKind::file;
}

/// An end of something of `kind`, or -1. Its other end is closed, or nobody's.
int make_input(InputKind kind) {
    int ends[2] = {-1, -1};
    if (kind == InputKind::pipe && real().pipe2(ends, O_CLOEXEC) != 0) return -1;
    if (kind == InputKind::socket && real().socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    if (kind == InputKind::terminal) {
        char name[64];
        ends[1] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (ends[1] >= 0 && grantpt(ends[1]) == 0 && unlockpt(ends[1]) == 0 &&
            ptsname_r(ends[1], name, sizeof name) == 0)
            ends[0] = real().open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        return ends[0];  // the other end stays open: without it the terminal would be hung up
    }
    if (ends[1] >= 0) real().close(ends[1]);
    return ends[0];
}

/// `use` gets each piece of the first `size` bytes of `parts` that is whole in memory and fits into a record;
/// returns how many there are.
template <typename Use>
std::uint32_t for_each_piece(const iovec* parts, int count, std::size_t size, Use use) {
    std::uint32_t pieces = 0;
    for (int index = 0; index < count && size > 0; ++index) {
        auto* at = static_cast<std::byte*>(parts[index].iov_base);
        for (std::size_t left = std::min(parts[index].iov_len, size); left > 0;) {
            const std::size_t part = std::min(left, most_journal_bytes);
            use(std::span(at, part), pieces++);
            at += part;
            left -= part;
            size -= part;
        }
    }
    return pieces;
}

/// Copies `bytes` to where `done` bytes of `parts` have been filled.
void scatter(const iovec* parts, int count, std::size_t done, std::span<const std::byte> bytes) {
    for (int index = 0; index < count && !bytes.empty(); ++index) {
        const std::size_t room = parts[index].iov_len;
        if (done >= room) {
            done -= room;
            continue;
        }
        const std::size_t part = std::min(room - done, bytes.size());
        std::memcpy(static_cast<std::byte*>(parts[index].iov_base) + done, bytes.data(), part);
        bytes = bytes.subspan(part);
        done = 0;
    }
}

template <typename Move>
void move_all(int descriptor, short event, const iovec* parts, int count, std::size_t size, Move move) {
    const int saved = errno;
    for (std::size_t done = 0; done < size;) {
        iovec left[most_parts];
        const int used = cut(parts, count, done, size - done, left);
        pollfd ready{.fd = descriptor, .events = event, .revents = 0};
        real().poll(&ready, 1, -1);
        const ssize_t moved = move(left, used);
        if (moved < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (moved <= 0) break;
        done += static_cast<std::size_t>(moved);
    }
    errno = saved;
}

}  // namespace

int cut(const iovec* parts, int count, std::size_t done, std::size_t size, iovec* to) {
    int used = 0;
    for (int index = 0; index < count && size > 0 && used < most_parts; ++index) {
        if (done >= parts[index].iov_len) {
            done -= parts[index].iov_len;
            continue;
        }
        const std::size_t part = std::min(parts[index].iov_len - done, size);
        to[used++] = {.iov_base = static_cast<std::byte*>(parts[index].iov_base) + done, .iov_len = part};
        size -= part;
        done = 0;
    }
    return used;
}

DescriptorFacts facts_of(int descriptor) {
    if (journaling == Journaling::replay) {
        const JournalRecord* const expected = expected_of(JournalRecordKind::operation, acting_participant());
        return expected != nullptr ? DescriptorFacts::unpack(expected->result) : DescriptorFacts{};
    }
    struct stat status {};
    const int saved = errno;
    DescriptorFacts facts;
    if (fstat(descriptor, &status) == 0) {
        facts.pipe = S_ISFIFO(status.st_mode);
        facts.socket = S_ISSOCK(status.st_mode);
        const bool own_kind = (status.st_mode & S_IFMT) == 0;  // eventfd and the like have none
        const bool terminal = S_ISCHR(status.st_mode) && isatty(descriptor) == 1;
        if (facts.pipe || facts.socket || own_kind || terminal) {
            const int flags = fcntl(descriptor, F_GETFL);
            facts.blocks = flags >= 0 && (flags & O_NONBLOCK) == 0;
        }
        if (facts.pipe || facts.socket || own_kind || terminal) facts.origin = DescriptorOrigin::outside;
        if (is_descriptor(descriptor, DescriptorKind::own_pipe)) facts.origin = DescriptorOrigin::own;
    }
    errno = saved;
    return facts;
}

void journal_standard_input() {
    const InputKind now = kind_of_input();
    InputKind then = now;
    outside_bytes(no_descriptor, &then, sizeof then);
    if (then == now || then == InputKind::file) return;
    const int end = make_input(then);
    if (end < 0) return;
    dup2(end, STDIN_FILENO);
    real().close(end);
}

bool is_own_pipe(int descriptor) {
    return is_descriptor(descriptor, DescriptorKind::own_pipe);
}

void record_input(int source, long result, const iovec* parts, int count, std::size_t size) {
    std::uint32_t left = for_each_piece(parts, count, size, [](auto, auto) {});
    JournalRecord record{.kind = JournalRecordKind::input, .result = result, .value = value_of(source)};
    if (left == 0) return record_of_caller(record);
    for_each_piece(parts, count, size, [&](std::span<const std::byte> bytes, std::uint32_t) {
        record.object = --left;
        record.bytes = bytes;
        record_of_caller(record);
    });
}

bool input_comes_from(int source) {
    const JournalRecord* const record = expected_of(JournalRecordKind::input, acting_participant());
    return record != nullptr && record->value == value_of(source);
}

long replay_input(int source, const iovec* parts, int count) {
    long result = 0;
    std::size_t done = 0;
    for (bool more = true; more;) {
        if (!input_comes_from(source)) {
            const ParticipantNumber self = acting_participant();
            diverge({.kind = JournalRecordKind::input,
                     .participant = self,
                     .clock = runtime().order().participants()[self].clock,
                     .value = value_of(source)});
        }
        const JournalRecord& record = expected_record();
        result = static_cast<long>(record.result);
        scatter(parts, count, done, record.bytes);
        done += record.bytes.size();
        more = record.object > 0;
        take_expected();
    }
    if (result >= 0) return result;
    errno = static_cast<int>(-result);
    return -1;
}

namespace {
void peek_own(int descriptor, const iovec* parts, int count, std::size_t size) {
    iovec all[most_parts];
    msghdr message{};
    message.msg_iov = all;
    message.msg_iovlen = static_cast<std::size_t>(cut(parts, count, 0, size, all));
    const int saved = errno;
    const timespec pause{.tv_sec = 0, .tv_nsec = 50'000};
    ssize_t seen = 0;
    while ((seen = real().recvmsg(descriptor, &message, MSG_PEEK | MSG_DONTWAIT)) != 0) {
        if (seen >= static_cast<ssize_t>(size) || (seen < 0 && errno != EAGAIN && errno != EINTR)) break;
        real().nanosleep(&pause, nullptr);  // who writes the rest is on his way
    }
    errno = saved;
}
}  // namespace

void read_own(int descriptor, const iovec* parts, int count, std::size_t size, bool peeks) {
    if (peeks) return peek_own(descriptor, parts, count, size);
    move_all(descriptor, POLLIN, parts, count, size,
             [&](const iovec* left, int used) { return real().readv(descriptor, left, used); });
}

void write_again(int descriptor, const iovec* parts, int count, std::size_t size) {
    if (!is_own_pipe(descriptor) && descriptor > STDERR_FILENO) {
        struct stat status {};
        // A socket has no peer in a replay, and what the kernel counts nobody reads.
        if (fstat(descriptor, &status) != 0 || S_ISSOCK(status.st_mode) || (status.st_mode & S_IFMT) == 0)
            return;
    }
    move_all(descriptor, POLLOUT, parts, count, size,
             [&](const iovec* left, int used) { return real().writev(descriptor, left, used); });
}

void outside_bytes(int source, void* memory, std::size_t size) {
    const iovec part{.iov_base = memory, .iov_len = size};
    if (journaling == Journaling::record) {
        record_input(source, static_cast<long>(size), &part, 1, size);
    } else if (journaling == Journaling::replay) {
        replay_input(source, &part, 1);
    }
}

}  // namespace escapement::preload
