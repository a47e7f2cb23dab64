#include "fast_read.hpp"
#include "perf_event.hpp"
#include "raw_system_call.hpp"

#include <escapement/counter.hpp>

#include <sys/mman.h>
#include <sys/syscall.h>

#include <iterator>
#include <utility>

namespace escapement {

namespace {

/// The kernel rounds lengths up to its pages, whatever their size.
constexpr long page_length = 4096;

/// More counts than there can be between two reads in a row, and fewer than any counter has room for.
constexpr Count plausible = Count{1} << 24U;

bool may_read(const void* page) {
    return static_cast<const perf_event_mmap_page*>(page)->cap_user_rdpmc != 0;
}

CounterFailure failed(Refusal refusal, int error = 0) {
    return {.refusal = refusal, .error = error};
}

}  // namespace

tl::expected<Counter, CounterFailure> Counter::open(const EventCode& event) {
    const auto descriptor = open_event(attributes_of(event), true);
    if (!descriptor) return tl::unexpected(descriptor.error());
    Counter counter(*descriptor, nullptr);
    // Before the first read(2): arm64 kernels (6.1) keep a 32 bit counter's last value with its sign after
    // they started it and without it after they read it. The page takes it as it is at the time.
    const long page = raw_system_call(SYS_mmap, 0, page_length, PROT_READ, MAP_SHARED, *descriptor, 0);
    if (page < 0 && page > -page_length) {
        return tl::unexpected(failed(Refusal::no_memory, static_cast<int>(-page)));
    }
    counter.page_ = reinterpret_cast<void*>(page);
    const FastRead fast = may_read(counter.page_) ? fast_read(counter.page_) : FastRead{};
    // A counter that the kernel could not give opens all the same: it says so when it is read.
    const auto value = read_event(*descriptor);
    if (!value) return tl::unexpected(value.error());
    if (!counts_now(*descriptor)) return tl::unexpected(failed(Refusal::wrong_core_type));
    if (!may_read(counter.page_) || (fast.tries != 0 && value->value - fast.value > plausible)) {
        raw_system_call(SYS_munmap, page, page_length);
        counter.page_ = nullptr;
    }
    return counter;
}

Counter::Counter(Counter&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), page_(std::exchange(other.page_, nullptr)) {}

Counter& Counter::operator=(Counter&& other) noexcept {
    if (this != &other) {
        close();
        descriptor_ = std::exchange(other.descriptor_, -1);
        page_ = std::exchange(other.page_, nullptr);
    }
    return *this;
}

Counter::~Counter() {
    close();
}

void Counter::close() {
    if (page_ != nullptr) raw_system_call(SYS_munmap, reinterpret_cast<long>(page_), page_length);
    if (descriptor_ >= 0) close_event(descriptor_);
    page_ = nullptr;
    descriptor_ = -1;
}

// Out of line, so that what is read in user space stays as short as it can be.
[[gnu::noinline]] tl::expected<Count, CounterFailure> Counter::read_otherwise() const {
    const auto value = read_by_call();
    // What has been readable has a counter as long as its thread runs, or it does not count: the thread may
    // have come to a core of another type, whose counters are others.
    if (value && page_ != nullptr && !counts_now(descriptor_)) {
        return tl::unexpected(failed(Refusal::wrong_core_type));
    }
    return value;
}

tl::expected<Count, CounterFailure> Counter::read() const {
    if (page_ != nullptr) [[likely]] {
        if (const FastRead now = fast_read(page_); now.tries != 0) [[likely]]
            return now.value;
    }
    return read_otherwise();
}

tl::expected<Reading, CounterFailure> Counter::read_in_tries() const {
    if (page_ != nullptr) [[likely]] {
        if (const FastRead now = fast_read(page_); now.tries != 0) [[likely]]
            return Reading{.value = now.value, .tries = now.tries};
    }
    const auto value = read_otherwise();
    if (!value) return tl::unexpected(value.error());
    return Reading{.value = *value, .tries = 0};
}

// Between two reads lie as many counts as a whole read has, whose tries are those of the second.
Count Counter::price_of_a_try() const {
    constexpr std::uint32_t wanted[] = {1, 1, 2};
    FastRead reads[std::size(wanted)];
    while (reads_in_user_space()) {
        bool undisturbed = true;
#pragma GCC unroll 1
        for (std::size_t number = 0; number < std::size(wanted); ++number)
            reads[number] = fast_read(page_, wanted[number]);
        for (std::size_t number = 0; number < std::size(wanted); ++number)
            undisturbed = undisturbed && reads[number].tries == wanted[number];
        if (undisturbed) return reads[2].value - reads[1].value - (reads[1].value - reads[0].value);
    }
    return 0;
}

tl::expected<Count, CounterFailure> Counter::read_by_call() const {
    const auto value = read_event(descriptor_);
    if (!value) return tl::unexpected(value.error());
    return value->value;
}

bool Counter::reads_in_user_space() const {
    return page_ != nullptr && fast_read(page_).tries != 0;
}

}  // namespace escapement
