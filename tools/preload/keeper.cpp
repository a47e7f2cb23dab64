#include "keeper.hpp"

#include "counting.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "signals.hpp"
#include "statistics.hpp"
#include "thread_status.hpp"
#include "timers.hpp"
#include "waiting_handlers.hpp"

#include <escapement/interruption.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

namespace escapement::preload {

namespace {

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t tick_ns = 50 * millisecond;
constexpr std::int64_t suspicious_ns =
    300 * millisecond;  ///< of CPU time without an ordered operation: look closer
constexpr std::int64_t certain_ns = 1000 * millisecond;    ///< of CPU time in one unchanging state: it spins
constexpr std::int64_t longest_ns = 10'000 * millisecond;  ///< of CPU time anyhow, if others want the turn
constexpr unsigned asleep_ticks = 6;   ///< in a row, without any CPU time: it sleeps in the kernel
constexpr unsigned unseen_ticks = 40;  ///< the same where the kernel cannot be asked: no descriptor is left
constexpr std::int64_t termination_ns = 1500 * millisecond;  ///< after SIGTERM, of the two seconds
constexpr std::size_t most_samples = 32;

enum class Word : std::uint8_t {
    nothing,
    sample,   ///< note where you are
    give_up,  ///< you have had the CPU for too long
    leave,    ///< you sleep in the kernel
};

// What the keeper says with its signal; the signal itself orders it.
std::atomic<Word> word{Word::nothing};
// Samples of the holder, written by its handler and cleared by the keeper when the holder got on. Relaxed: a
// sample that is missed or counted late changes when a spinning thread is found, nothing else.
std::atomic<std::uint64_t> samples[most_samples];
std::atomic<std::size_t> sample_count{0};
std::atomic<bool> repeats{false};
// By the host's clock, when the holder was seen to have done its last ordered operation, or a timer fired
// since.
std::atomic<std::int64_t> computes_since{0};
std::atomic<std::int64_t> terminated_at{0};
std::atomic<int> termination_signal{0};

std::int64_t host_ns(clockid_t clock) {
    timespec time{};
    if (real().clock_gettime(clock, &time) != 0) return -1;
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// CPU clock of one thread of this process. Source: kernel, include/linux/posix-timers.h (CPUCLOCK_PERTHREAD,
/// CPUCLOCK_SCHED).
clockid_t cpu_clock_of(pid_t thread) {
    return static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3U) | 6U);
}

void take_sample(std::uint64_t state) {
    const std::size_t count = sample_count.load(std::memory_order_relaxed);
    unsigned seen = 0;
    for (std::size_t index = 0; index < count && index < most_samples; ++index) {
        seen += samples[index].load(std::memory_order_relaxed) == state ? 1U : 0U;
    }
    if (seen >= 2) repeats.store(true, std::memory_order_relaxed);
    samples[count % most_samples].store(state, std::memory_order_relaxed);
    sample_count.store(count + 1, std::memory_order_relaxed);
}

/// Watches one turn: how long the holder has run or slept since its last ordered operation.
class Watch {
  public:
    void tick(Runtime& domain) {
        const ParticipantNumber holder = domain.holder();
        const std::uint64_t heartbeat = domain.heartbeat();
        if (holder == nobody) return;
        Seat& seat = domain.seat(holder);
        const pid_t thread = seat.thread_id.load(std::memory_order_relaxed);
        const std::int64_t cpu = host_ns(cpu_clock_of(thread));
        if (heartbeat != heartbeat_ || holder != holder_ || cpu < 0) {
            heartbeat_ = heartbeat;
            holder_ = holder;
            began_ = cpu;
            asleep_ = 0;
            computes_since.store(host_ns(CLOCK_MONOTONIC), std::memory_order_relaxed);
            sample_count.store(0, std::memory_order_relaxed);
            repeats.store(false, std::memory_order_relaxed);
        } else if (cpu - last_ < millisecond / 10) {
            const Sleep sleep = sleep_of(thread);
            asleep_ = sleep != Sleep::no ? asleep_ + 1 : 0;
            if (asleep_ >= (sleep == Sleep::yes ? asleep_ticks : unseen_ticks)) {
                if (take_turn_back(holder)) {
                    domain.decide_after(holder);
                } else {
                    say(thread, Word::leave);
                }
            }
        } else if (counting && cpu - began_ > suspicious_ns) {
            notice_lost_alarm(holder);
        } else if (!seat.bounded && cpu - began_ > suspicious_ns) {
            asleep_ = 0;
            const bool spins = cpu - began_ > certain_ns && repeats.load(std::memory_order_relaxed);
            say(thread, spins || cpu - began_ > longest_ns ? Word::give_up : Word::sample);
        }
        last_ = cpu;
    }

  private:
    static void say(pid_t thread, Word what) {
        word.store(what, std::memory_order_relaxed);
        tgkill(getpid(), thread, keeper_signal);
    }

    std::uint64_t heartbeat_ = 0;
    ParticipantNumber holder_ = nobody;
    std::int64_t began_ = 0;
    std::int64_t last_ = 0;
    unsigned asleep_ = 0;
};

/// A termination signal that every thread blocks waits for the whole process.
void notice_blocked_termination() {
    sigset_t pending;
    if (sigpending(&pending) != 0) return;
    for (const int signal : {SIGTERM, SIGINT})
        if (sigismember(&pending, signal) == 1) note_termination(signal);
}

void see_to_termination() {
    const std::int64_t at = terminated_at.load(std::memory_order_relaxed);
    if (at != 0 && host_ns(CLOCK_MONOTONIC) - at > termination_ns) {
        end_by_signal(termination_signal.load(std::memory_order_relaxed));
    }
}

/// Nobody else lets the order's time pass, and what the caller does may be waiting for a timer.
void let_alarm_come(std::uintptr_t address, const char* reason) {
    Runtime& domain = runtime();
    static const char* told = "";  // belongs to the turn; a timer may come often, each time elsewhere
    if (told != reason)
        domain.add_incident({.participant = thread_state.number, .address = address, .reason = reason});
    told = reason;
    thread_state.interrupted = true;
    domain.order().jump_to(domain.order().alarm());
    fire_timers(domain.order().now());
    thread_state.interrupted = false;
}

void* keep(void* /*unused*/) {
    Runtime& domain = runtime();
    Watch watch;
    for (;;) {
        domain.keeper_place().park_for(tick_ns);
        if (domain.decision_wanted()) domain.decide_for_others();
        watch.tick(domain);
        notice_blocked_termination();
        see_to_termination();
    }
    return nullptr;
}

}  // namespace

/// The keeper's signal, on the thread that it speaks to.
void keeper_speaks(int /*signal*/, siginfo_t* /*information*/, void* context) {
    see_to_termination();  // it may also be the timer that speaks
    const Word what = word.exchange(Word::nothing, std::memory_order_relaxed);
    if (what == Word::nothing || thread_state.inside != 0 || thread_state.number == nobody ||
        thread_state.outside)
        return;
    Runtime& domain = runtime();
    if (domain.holder() != thread_state.number) return;
    const int saved = errno;
    const Interruption interruption = interruption_of(context);
    const Order& order = domain.order();
    // Between operations nobody changes the order but this thread, so it may do so here as well.
    thread_state.inside = 1;
    if (what == Word::sample) {
        take_sample(interruption.state);
    } else if (domain.others_want_the_turn()) {
        domain.add_incident(
            {.participant = thread_state.number,
             .address = interruption.address,
             .reason = what == Word::leave
                           ? "slept in the kernel in a call that is not ordered while others wanted the turn"
                           : "ran on without ordered operations while others wanted the turn"});
        domain.leave("its own ways since its turn was ended");
    } else if (what == Word::leave && order.alarm() != no_deadline) {
        let_alarm_come(interruption.address,
                       "slept in the kernel in a call that is not ordered while a timer ran");
    }
    const std::int64_t now = host_ns(CLOCK_MONOTONIC);
    if (what != Word::leave && !thread_state.outside && order.alarm() != no_deadline &&
        now - computes_since.load(std::memory_order_relaxed) >= order.alarm() - order.now()) {
        computes_since.store(now, std::memory_order_relaxed);
        let_alarm_come(interruption.address,
                       "ran on without ordered operations until a timer was due by the host's clock");
    }
    thread_state.inside = 0;
    errno = saved;
}

int start_keeper_thread() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    real().pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, std::size_t{128} * 1024);
    pthread_t thread;
    const int error = real().pthread_create(&thread, &attributes, keep, nullptr);
    pthread_attr_destroy(&attributes);
    real().pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return error;
}

void note_termination(int signal) {
    std::int64_t expected = 0;
    termination_signal.store(signal, std::memory_order_relaxed);
    if (!terminated_at.compare_exchange_strong(expected, host_ns(CLOCK_MONOTONIC), std::memory_order_relaxed))
        return;
    // There may be no keeper yet (a process with one thread), or it may be waiting for the outside on the
    // domain's behalf. By the system calls: this may be a signal handler.
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = keeper_signal;
    int timer = 0;
    if (real().syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0) return;
    itimerspec time{};
    time.it_value = {.tv_sec = termination_ns / 1'000'000'000, .tv_nsec = termination_ns % 1'000'000'000 + 1};
    time.it_interval = {.tv_sec = 0, .tv_nsec = tick_ns};  // should the first one be taken for another's
    real().syscall(SYS_timer_settime, timer, 0, &time, nullptr);
}

}  // namespace escapement::preload
