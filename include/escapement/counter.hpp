#pragma once
// Counters: how many events of one kind the calling thread has caused in user mode.
//
// Contract. A Counter counts from its opening on, on the thread that opened it, wherever that thread runs,
// and never samples: it is a clock. An Alarm is a second counter of the same thread that sends it a signal
// once. Both are pinned: the kernel counts all the time or says that it could not, it never shares out and
// scales. Neither allocates, throws, uses errno or calls the C library's threads, so both may be used in
// signal handlers and inside replacements of the C library's functions.
//
//     const auto counter = Counter::open({.type = PERF_TYPE_RAW, .config = 0x08});
//     if (!counter) return explain(counter.error(), …);     // what is wrong, and what mends it
//     const auto before = counter->read();
//
// Units: counts of the event. Errors: CounterFailure, a value; `explain` makes a sentence of it.
// Thread safety: open, read and close on one thread; `read_from_elsewhere` on any.
// Sources: perf_event_open(2); kernel, include/uapi/linux/perf_event.h (perf_event_mmap_page: cap_user_rdpmc,
// lock, index, offset, pmc_width); kernel, drivers/perf/arm_pmuv3.c (config1 bits 0 and 1: 64 bits wide, user
// access).

#include <tl/expected.hpp>

#include <csignal>
#include <cstdint>

namespace escapement {

using Count = std::uint64_t;

/// What a counter counts, as perf_event_open(2) takes it.
struct EventCode {
    std::uint32_t type = 0;  ///< perf_event_attr::type
    std::uint64_t config = 0;
    std::uint64_t config1 = 0;
    std::uint64_t config2 = 0;
    bool operator==(const EventCode&) const = default;
};

/// Why the host does not let an event be counted.
enum class Refusal : std::uint8_t {
    no_support,       ///< a kernel without perf_event
    no_pmu,           ///< no hardware counters here: a virtual machine, mostly
    unknown_event,    ///< this PMU cannot count that
    paranoid,         ///< kernel.perf_event_paranoid is too high for this user
    forbidden,        ///< a seccomp filter or a container's missing CAP_PERFMON
    taken,            ///< other users have the counters: the NMI watchdog, another tool, this process itself
    too_many_files,   ///< no file descriptor left
    multiplexed,      ///< opened, but the kernel does not keep it counting: it reads end of file
    wrong_core_type,  ///< an event of another core type's PMU than the one that the thread runs on
    no_memory,        ///< the user page could not be mapped, or locked memory ran out
    never_met,  ///< breakpoints can be set, and are never met: a hypervisor keeps the debug registers back
    other,
};

struct CounterFailure {
    Refusal refusal = Refusal::other;
    int error = 0;  ///< errno of the call that failed; 0 if none did
};

/// A count, and how many tries it took to read it in user space: the kernel may change what is read under our
/// hands, and then it is read again. Each try but the first has raised the count by `price_of_a_try`.
struct Reading {
    Count value = 0;
    std::uint32_t tries = 0;  ///< 0: read by read(2)
};

class Counter {
  public:
    /// Counts `event` in user mode on the calling thread from now on, pinned. The descriptor is closed by
    /// exec, and has a high number so that the program's own keep theirs.
    static tl::expected<Counter, CounterFailure> open(const EventCode& event);

    Counter(Counter&& other) noexcept;
    Counter& operator=(Counter&& other) noexcept;
    Counter(const Counter&) = delete;
    Counter& operator=(const Counter&) = delete;
    ~Counter();

    /// The count now, by its own thread: from user space where the processor and the kernel let it, else by
    /// read(2). Both agree.
    [[nodiscard]] tl::expected<Count, CounterFailure> read() const;
    /// The same, and how many tries that took.
    [[nodiscard]] tl::expected<Reading, CounterFailure> read_in_tries() const;
    /// What one more try adds to this counter's count; a constant of the event. 0 if read() is read(2). Takes
    /// a few reads to find out.
    [[nodiscard]] Count price_of_a_try() const;
    /// The same as read(), by read(2) in any case.
    [[nodiscard]] tl::expected<Count, CounterFailure> read_by_call() const;
    /// The count of another thread's counter, some time between call and return; by read(2).
    [[nodiscard]] tl::expected<Count, CounterFailure> read_from_elsewhere() const { return read_by_call(); }
    /// True if read() does without a system call.
    [[nodiscard]] bool reads_in_user_space() const;

    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// The kernel's page (perf_event_mmap_page), or null.
    [[nodiscard]] const void* page() const { return page_; }

  private:
    Counter(int descriptor, void* page) : descriptor_(descriptor), page_(page) {}
    [[nodiscard]] tl::expected<Count, CounterFailure> read_otherwise() const;
    void close();
    int descriptor_ = -1;
    void* page_ = nullptr;
};

/// Sends the thread that opened it a signal when `after` more events were counted. It comes late by a skid,
/// or not at all: whoever uses it looks at a Counter to know where it is.
class Alarm {
  public:
    /// `signal` goes to the calling thread, whatever others do with the file (F_SETOWN_EX, F_SETSIG).
    static tl::expected<Alarm, CounterFailure> open(const EventCode& event, int signal);

    Alarm(Alarm&& other) noexcept;
    Alarm& operator=(Alarm&& other) noexcept;
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    ~Alarm();

    /// One signal, `after` events from now; replaces what was set before. `after` is at least 1.
    tl::expected<void, CounterFailure> set(Count after);
    /// No signal any more; one that is under way may still come.
    void cancel();
    /// True if this alarm sent the signal that `information` tells of.
    [[nodiscard]] bool sent(const siginfo_t& information) const;
    /// Its signal has been seen: nothing is set any more.
    void spent() { due_ = 0; }

    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    explicit Alarm(int descriptor) : descriptor_(descriptor) {}
    void close();
    int descriptor_ = -1;
    Count due_ = 0;  ///< the event's own count at which it sends what was last set
};

}  // namespace escapement
