#pragma once
// What is remembered of descriptors from when they were opened.

#include <cstdint>

namespace escapement::preload {

enum class DescriptorKind : std::uint8_t {
    random_device,  ///< the kernel's: reads are served by the seeded generator
    event_counter,  ///< eventfd(2): writing does not block, short of 2^64 events
    own_pipe,       ///< both ends are the process's: pipe(2), socketpair(2)
    timer,          ///< timerfd_create(2), by virtual time
};

/// Notes what `descriptor` is. Descriptors opened in other ways are nothing; close(2) makes them so again.
void note_descriptor(int descriptor, DescriptorKind kind);
void forget_descriptor(int descriptor);
bool is_descriptor(int descriptor, DescriptorKind kind);

}  // namespace escapement::preload
