// Asynchronous disk input and output by the kernel (Linux AIO, io_uring): when a request completes is up to
// the disk, and in which order. Both are made a matter of the program: a submission returns when what it
// submitted is complete, in the order in which it was submitted.

#include "real.hpp"
#include "runtime.hpp"

#include <libaio.h>
#include <liburing.h>

#include <cerrno>

namespace escapement::preload {

namespace {

// What a context of Linux AIO points to, mapped into the process. Source: kernel, fs/aio.c (struct aio_ring);
// libaio reads it the same way (src/io_getevents.c).
struct CompletionRing {
    unsigned id;
    unsigned events;
    unsigned head;
    unsigned tail;
    unsigned magic;
};
constexpr unsigned completion_ring_magic = 0xa10a10a1;

void pause_shortly() {
    const timespec time{.tv_sec = 0, .tv_nsec = 20'000};
    real().nanosleep(&time, nullptr);
}

/// Requests that complete by themselves before long. Others (a poll, a time-out) may wait for the outside.
bool completes(const io_uring_sqe& request) {
    switch (request.opcode) {
        case IORING_OP_READV:
        case IORING_OP_WRITEV:
        case IORING_OP_READ:
        case IORING_OP_WRITE:
        case IORING_OP_READ_FIXED:
        case IORING_OP_WRITE_FIXED:
        case IORING_OP_FSYNC:
        case IORING_OP_FALLOCATE:
        case IORING_OP_SYNC_FILE_RANGE:
            return true;
        default:
            return false;
    }
}

/// The requests that a submission is about to hand to the kernel, by their user data.
struct Submission {
    static constexpr unsigned most = 1024;
    std::uint64_t data[most];
    unsigned count = 0;

    explicit Submission(const io_uring& ring) {
        for (unsigned at = ring.sq.sqe_head; at != ring.sq.sqe_tail && count < most; ++at) {
            const io_uring_sqe& request = ring.sq.sqes[at & *ring.sq.kring_mask];
            if (completes(request)) data[count++] = request.user_data;
        }
    }
};

io_uring_cqe& completion(io_uring& ring, unsigned index) {
    return ring.cq.cqes[index & *ring.cq.kring_mask];
}

/// Waits until everything in `submission` is complete, then puts the completions in its order. `first` is the
/// first place in the completion ring that was empty before the submission.
void await_in_order(io_uring& ring, const Submission& submission, unsigned first) {
    for (unsigned place = 0; place < submission.count; ++place) {
        unsigned found = first;
        for (;; ++found) {
            // The kernel publishes completions by this (io_uring(7)); it pairs with the kernel's
            // store-release.
            while (found == io_uring_smp_load_acquire(ring.cq.ktail))
                pause_shortly();
            if (completion(ring, found).user_data == submission.data[place]) break;
        }
        // Those in between move up by one: nobody reads them meanwhile, the program's only reader is the
        // caller.
        const io_uring_cqe wanted = completion(ring, found);
        for (unsigned at = found; at != first; --at)
            completion(ring, at) = completion(ring, at - 1);
        completion(ring, first) = wanted;
        ++first;
    }
}

bool large_completions(const io_uring& ring) {
    return (ring.flags & IORING_SETUP_CQE32) != 0;
}

template <typename Submit>
int submit_in_order(io_uring* ring, Submit submit) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::submit, nullptr, false);
    domain.order().expect_polls();
    const Submission submission(*ring);
    const unsigned first = *ring->cq.ktail;
    const int result = submit();
    if (result > 0 && !large_completions(*ring) && static_cast<unsigned>(result) >= submission.count) {
        const int saved = errno;
        await_in_order(*ring, submission, first);
        errno = saved;
    }
    return result;
}

template <typename Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(next_function(name));
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;
using escapement::OperationKind;

ESCAPEMENT_EXPORT int io_submit(io_context_t context, long count, iocb** requests) {
    static const auto real_submit = next<decltype(&io_submit)>("io_submit");
    const Entry entry;
    const auto* const ring = reinterpret_cast<const CompletionRing*>(context);
    if (!entry.ordered() || ring->magic != completion_ring_magic)
        return real_submit(context, count, requests);
    runtime().operation(OperationKind::submit, nullptr, false);
    runtime().order().expect_polls();
    for (long index = 0; index < count; ++index) {
        const unsigned before = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
        const int result = real_submit(context, 1, requests + index);
        if (result != 1) return index > 0 ? static_cast<int>(index) : result;
        while (__atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == before)
            pause_shortly();
    }
    return static_cast<int>(count);
}

ESCAPEMENT_EXPORT int io_uring_submit(io_uring* ring) {
    static const auto real_submit = next<decltype(&io_uring_submit)>("io_uring_submit");
    const Entry entry;
    if (!entry.ordered()) return real_submit(ring);
    return submit_in_order(ring, [&] { return real_submit(ring); });
}

ESCAPEMENT_EXPORT int io_uring_submit_and_wait(io_uring* ring, unsigned wanted) {
    static const auto real_submit = next<decltype(&io_uring_submit_and_wait)>("io_uring_submit_and_wait");
    const Entry entry;
    if (!entry.ordered()) return real_submit(ring, wanted);
    const int result = submit_in_order(ring, [&] { return real_submit(ring, 0); });
    // The ring's descriptor is readable when it has completions (io_uring(7)).
    pollfd descriptor{.fd = ring->ring_fd, .events = POLLIN, .revents = 0};
    PollRequest request{.descriptors = &descriptor, .count = 1};
    bool signalled = false;
    runtime().expect_signals();
    while (result >= 0 && io_uring_cq_ready(ring) < wanted && !signalled) {
        runtime().poll("completions", request, escapement::no_deadline, signalled);
    }
    return result;
}
