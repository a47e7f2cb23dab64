#pragma once
// Execute breakpoints of the calling thread, held by the processor and handed out by perf.
//
// Contract. After `set` the thread takes SIGTRAP before it executes an instruction at one of the
// addresses in user mode; the signal is synchronous: what the handler sees is the state before that
// instruction. After the handler has returned the same breakpoint hits again on arm64, unless it was moved;
// on x86 the kernel lets the thread pass it once (RF). SIGTRAP must not be blocked: the kernel would send the
// signal later. They are not inherited by new threads and processes, nor across exec. Errors: CounterFailure.
// Thread safety: one thread; async-signal-safe; allocates nothing. Sources: perf_event_open(2):
// PERF_TYPE_BREAKPOINT, sigtrap (Linux 5.13); kernel, kernel/events/core.c (perf_pending_task,
// perf_event_modify_breakpoint), kernel/signal.c (TRAP_PERF).

#include <escapement/counter.hpp>

#include <array>
#include <cstddef>

namespace escapement {

class Breakpoints {
  public:
    /// No stop needs more.
    static constexpr std::size_t most = 8;
    /// A few addresses, each once.
    class Addresses {
      public:
        /// False if there is no room.
        bool add(std::uintptr_t address);
        [[nodiscard]] bool contains(std::uintptr_t address) const;
        [[nodiscard]] std::size_t size() const { return size_; }
        std::uintptr_t operator[](std::size_t index) const { return addresses_[index]; }
        void clear() { size_ = 0; }

      private:
        std::array<std::uintptr_t, most> addresses_{};
        std::size_t size_ = 0;
    };

    /// As many as the processor has to give, up to `wanted`; fails if not one, or if none is ever met: some
    /// hypervisors take debug registers and do nothing with them.
    tl::expected<void, CounterFailure> open(std::size_t wanted);
    void close();
    /// How many addresses `set` takes.
    [[nodiscard]] std::size_t capacity() const { return opened_; }
    /// Breakpoints at `addresses`, and nowhere else. False if the host refuses.
    [[nodiscard]] bool set(const Addresses& addresses);
    /// One is there.
    [[nodiscard]] bool at(std::uintptr_t address) const;
    void clear();
    /// True if one of these was the cause of a SIGTRAP.
    static bool hit(const siginfo_t& information);

  private:
    struct One {
        int descriptor = -1;
        bool on = false;
        std::uintptr_t address = 0;
    };
    std::array<One, most> all_{};
    std::size_t opened_ = 0;
};

}  // namespace escapement
