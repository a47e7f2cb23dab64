#include "descriptors.hpp"

#include "processes.hpp"
#include "real.hpp"
#include "runtime.hpp"

#include <sys/eventfd.h>

#include <atomic>

namespace escapement::preload {

namespace {

constexpr int most_descriptors = 65536;
constexpr int kinds = 4;

// A bit a descriptor and kind. Atomic because descriptors are opened and closed by threads without the turn,
// too; relaxed, because the program itself orders the opening of a descriptor before its use.
std::atomic<std::uint64_t> bits[kinds][most_descriptors / 64];

std::atomic<std::uint64_t>& word_of(int descriptor, int kind) {
    return bits[kind][descriptor / 64];
}

std::uint64_t bit_of(int descriptor) {
    return std::uint64_t{1} << (static_cast<unsigned>(descriptor) % 64);
}

bool in_range(int descriptor) {
    return descriptor >= 0 && descriptor < most_descriptors;
}

}  // namespace

void note_descriptor(int descriptor, DescriptorKind kind) {
    if (!in_range(descriptor)) return;
    word_of(descriptor, static_cast<int>(kind)).fetch_or(bit_of(descriptor), std::memory_order_relaxed);
}

void forget_descriptor(int descriptor) {
    if (!in_range(descriptor)) return;
    for (int kind = 0; kind < kinds; ++kind) {
        std::atomic<std::uint64_t>& word = word_of(descriptor, kind);
        if ((word.load(std::memory_order_relaxed) & bit_of(descriptor)) != 0) {
            word.fetch_and(~bit_of(descriptor), std::memory_order_relaxed);
        }
    }
}

bool is_descriptor(int descriptor, DescriptorKind kind) {
    if (!in_range(descriptor)) return false;
    const std::uint64_t word = word_of(descriptor, static_cast<int>(kind)).load(std::memory_order_relaxed);
    return (word & bit_of(descriptor)) != 0;
}

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int eventfd(unsigned value, int flags) noexcept {
    const int descriptor = real().eventfd(value, flags);
    if (descriptor >= 0 && (flags & EFD_SEMAPHORE) == 0)
        note_descriptor(descriptor, DescriptorKind::event_counter);
    return descriptor;
}

namespace {
int noted_pair(int result, const int* ends) {
    for (int each = 0; result == 0 && each < 2; ++each)
        note_descriptor(ends[each], DescriptorKind::own_pipe);
    return result;
}
}  // namespace

ESCAPEMENT_EXPORT int pipe(int* ends) noexcept {
    return noted_pair(real().pipe(ends), ends);
}
ESCAPEMENT_EXPORT int pipe2(int* ends, int flags) noexcept {
    return noted_pair(real().pipe2(ends, flags), ends);
}
ESCAPEMENT_EXPORT int socketpair(int family, int type, int protocol, int* ends) noexcept {
    return noted_pair(real().socketpair(family, type, protocol, ends), ends);
}

ESCAPEMENT_EXPORT int close(int descriptor) {
    if (mode.load(std::memory_order_relaxed) == Mode::ordering && is_own_process())
        forget_descriptor(descriptor);
    return real().close(descriptor);
}
