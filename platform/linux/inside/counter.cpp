#include "fast_read.hpp"
#include "perf_event.hpp"
#include "raw_system_call.hpp"

#include <escapement/counter.hpp>

#include <sys/mman.h>
#include <sys/syscall.h>

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

tl::expected<Count, CounterFailure> Counter::read() const {
    if (page_ != nullptr) {
        if (const FastRead now = fast_read(page_); now.tries != 0) return now.value;
        // It has a counter as long as its thread runs, or it does not count: the thread may have come to a
        // core of another type, whose counters are others.
        const auto value = read_by_call();
        if (!value || counts_now(descriptor_)) return value;
        return tl::unexpected(failed(Refusal::wrong_core_type));
    }
    return read_by_call();
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
