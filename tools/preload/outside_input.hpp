#pragma once
// What comes from outside by calls of the program: recorded after the call, and in a replay given instead of
// it, so that a replay needs no terminal and no peer.
//
// Which descriptors are outside: terminals, sockets, pipes, and the kernel's own (eventfd, timerfd,
// signalfd). Of a pipe or a pair of sockets that the process made itself only the sizes are recorded: what is
// in them, its other threads or its children have written, and write again. Files are read as they are.

#include "real.hpp"
#include "recording.hpp"

#include <cerrno>
#include <cstdint>

namespace escapement::preload {

/// How a descriptor is journaled; in the journal, so the numbers stay.
enum class DescriptorOrigin : std::uint8_t { file = 0, outside = 1, own = 2 };
bool is_own_pipe(int descriptor);

/// What a descriptor is, as the journal has it with each operation on it: a replay's may be another.
struct DescriptorFacts {
    DescriptorOrigin origin = DescriptorOrigin::file;
    bool pipe = false;
    bool socket = false;
    bool blocks = true;

    [[nodiscard]] bool journaled() const { return origin != DescriptorOrigin::file; }
    [[nodiscard]] std::int64_t packed() const {
        return static_cast<std::int64_t>(origin) | (pipe ? 4 : 0) | (socket ? 8 : 0) | (blocks ? 0 : 16);
    }
    static DescriptorFacts unpack(std::int64_t packed) {
        return {.origin = static_cast<DescriptorOrigin>(packed & 3),
                .pipe = (packed & 4) != 0,
                .socket = (packed & 8) != 0,
                .blocks = (packed & 16) == 0};
    }
};
/// Of `descriptor`; replaying: as it was then, of the operation that the caller is about to do.
DescriptorFacts facts_of(int descriptor);

inline constexpr int no_descriptor = -1;     ///< the source of what no descriptor gives
inline constexpr int many_descriptors = -2;  ///< of polls
inline constexpr int child_processes = -3;

/// Of the standard input, at the beginning: a replay puts another of the same kind in its place if it is not
/// of that kind (fstat(2), lseek(2) and isatty(3) tell a program which it is), so that it may be /dev/null.
void journal_standard_input();

/// Recording: the caller was given `result` (or errno, if that is negative), and as many of the bytes in
/// `parts` as `size` says.
void record_input(int source, long result, const iovec* parts, int count, std::size_t size);
/// Replaying: takes the journal's next input, which must be from `source`; the same result, errno, bytes.
long replay_input(int source, const iovec* parts, int count);
/// Replaying: true if the caller's next record is input from `source`.
bool input_comes_from(int source);
/// Replaying: what the process itself wrote into a pipe of its own: `size` bytes, waited for. `peeks` leaves
/// them there (MSG_PEEK).
void read_own(int descriptor, const iovec* parts, int count, std::size_t size, bool peeks);
/// Replaying: `parts`, as far as they were written then, where they can be seen.
void write_again(int descriptor, const iovec* parts, int count, std::size_t size);

inline constexpr int most_parts = 64;
/// The bytes of `parts` from `done` on, `size` of them at most, in at most `most_parts` parts.
int cut(const iovec* parts, int count, std::size_t done, std::size_t size, iovec* to);

inline long with_errno(long result) {
    return result < 0 ? -errno : result;
}

/// Bytes that are there, such as a time or an address.
void outside_bytes(int source, void* memory, std::size_t size);

/// `call` fills `parts`; if it `peeks`, what it gave is there still.
template <typename Call>
[[gnu::always_inline]] inline ssize_t outside_read(const DescriptorFacts& facts, int descriptor,
                                                   const iovec* parts, int count, Call call,
                                                   bool peeks = false) {
    if (journaling == Journaling::off || !facts.journaled()) return call();
    const bool own = facts.origin == DescriptorOrigin::own;
    if (journaling == Journaling::record) {
        const ssize_t result = call();
        const auto size = static_cast<std::size_t>(result > 0 && !own ? result : 0);
        record_input(descriptor, with_errno(result), parts, count, size);
        return result;
    }
    const long result = replay_input(descriptor, parts, count);
    if (own && result > 0) read_own(descriptor, parts, count, static_cast<std::size_t>(result), peeks);
    return result;
}

/// `call` writes `parts`, or their beginning.
template <typename Call>
[[gnu::always_inline]] inline ssize_t outside_write(const DescriptorFacts& facts, int descriptor,
                                                    const iovec* parts, int count, Call call) {
    if (journaling == Journaling::off || !facts.journaled()) return call();
    if (journaling == Journaling::record) {
        const ssize_t result = call();
        record_input(descriptor, with_errno(result), nullptr, 0, 0);
        return result;
    }
    const long result = replay_input(descriptor, nullptr, 0);
    if (result > 0) write_again(descriptor, parts, count, static_cast<std::size_t>(result));
    return result;
}

/// `look` tells what there is, without waiting; if that is not nothing (0), `memory` says more.
template <typename Look>
int outside_look(int source, void* memory, std::size_t size, Look look) {
    const iovec part{.iov_base = memory, .iov_len = size};
    if (journaling == Journaling::replay)
        return input_comes_from(source) ? static_cast<int>(replay_input(source, &part, 1)) : 0;
    const int result = look();
    if (journaling == Journaling::record && result != 0)
        record_input(source, with_errno(result), &part, 1, result > 0 ? size : 0);
    return result;
}

}  // namespace escapement::preload
