#include "counting.hpp"

#include "real.hpp"
#include "runtime.hpp"
#include "statistics.hpp"
#include "stopping_places.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace escapement::preload {

constinit bool counting = false;

namespace {

// About what a processor needs for one instruction, so that virtual time goes about as fast as the host's.
constexpr Nanoseconds nanoseconds_per_count = 1;

// A thread that may not be stopped where its boundary is goes on for so many counts, then for twice as many.
constexpr Count shortest_deferral = 61;
constexpr Count longest_deferral = 65'521;  // primes: no loop of the C library is in step with them

const char* reason_of(Miss::Why why) {
    switch (why) {
        case Miss::Why::late:
            return "the alarm came late";
        case Miss::Why::lost:
            return "the alarm did not come";
        case Miss::Why::unreadable:
            return "the counter cannot be read: the kernel does not keep it counting";
        case Miss::Why::no_step:
            return "the host refused a breakpoint to step by";
    }
    return "";
}

CountedThreadOptions options_of(const Settings& settings) {
    return {.stepped = settings.clock == ClockSource::stepped,
            .clock = settings.clock_event,
            .alarm = settings.alarm_event,
            .margin = settings.margin,
            .alarm_signal = alarm_signal()};
}

/// Fails closed: what follows would not come out the same.
[[noreturn]] void end_for_miss(Runtime& domain, ParticipantNumber number, const Miss& miss) {
    const char* const event = domain.settings().event_name;
    char text[512];
    std::snprintf(
        text, sizeof text,
        "escapement: boundary missed: participant %u '%s', event %s: was to stop at count %llu, is at "
        "%llu, address 0x%llx: %s. Another --event, or a larger --margin (now %llu counts), may do; "
        "ended with status 125 instead of going on in an order that nobody could repeat\n",
        number, domain.order().participants()[number].role, event != nullptr ? event : "(steps)",
        static_cast<unsigned long long>(miss.target), static_cast<unsigned long long>(miss.at.clock),
        static_cast<unsigned long long>(miss.at.address), reason_of(miss.why),
        static_cast<unsigned long long>(domain.settings().margin));
    real().write(STDERR_FILENO, text, std::strlen(text));
    domain.add_incident({.participant = number, .address = miss.at.address, .reason = "missed a boundary"});
    flush_journal();
    write_statistics();
    real()._exit(125);
    __builtin_unreachable();
}

class Listener final : public BoundaryListener {
  public:
    Count at_boundary(CountedThread& /*thread*/, const Boundary& here) override {
        Seat& seat = runtime().my_seat();
        if (thread_state.outside || thread_state.number == nobody) return no_boundary;
        if (!may_be_stopped_at(here.address)) {
            seat.deferral = std::min(2 * seat.deferral + 1, longest_deferral);
            return here.clock + seat.deferral;
        }
        const int saved = errno;
        thread_state.inside = 1;
        thread_state.interrupted = true;
        report_progress();
        runtime().boundary();
        thread_state.interrupted = false;
        thread_state.inside = 0;
        errno = saved;
        return target_of(seat);
    }

    void missed(CountedThread& /*thread*/, const Miss& miss) override {
        if (thread_state.outside || thread_state.number == nobody) return;
        thread_state.inside = 1;
        end_for_miss(runtime(), thread_state.number, miss);
    }

    /// Where the caller's turn ends, by its own clock.
    static Count target_of(Seat& seat) {
        seat.deferral = shortest_deferral;
        const Order& order = runtime().order();
        const Participant& self = order.participants()[thread_state.number];
        Count left = self.boundary > self.clock ? self.boundary - self.clock : 1;
        if (order.alone()) left = no_boundary;
        // A timer is due by what the caller counts, too.
        if (order.alarm() != no_deadline)
            left = std::min(left, static_cast<Count>(std::max<Nanoseconds>(order.alarm() - order.now(), 1) /
                                                     nanoseconds_per_count));
        return left != no_boundary ? seat.reported_clock + left : no_boundary;
    }
};

constinit Listener* listener = nullptr;
alignas(Listener) unsigned char listener_storage[sizeof(Listener)];

}  // namespace

void prepare_counting(const Settings& settings) {
    counting = settings.counts_between_operations();
    if (!counting) return;
    listener = new (listener_storage) Listener;
    find_stopping_places();
}

void begin_counting() {
    Runtime& domain = runtime();
    Seat& seat = domain.my_seat();
    // In a child process what is there is the parent's, and must not be touched (its page is not inherited).
    new (&seat.counted) std::optional<CountedThread>;
    seat.counted.emplace(options_of(domain.settings()), *listener);
    seat.reported_clock = 0;
    seat.bounded = true;
    const auto begun = seat.counted->begin();
    if (begun) return;
    const bool files = begun.error().refusal == Refusal::too_many_files;
    char text[256];
    std::snprintf(text, sizeof text,
                  "escapement: participant %u: its counters cannot be opened: %s%s; ended with status 125\n",
                  thread_state.number,
                  files ? "no file descriptor left (three a thread): ulimit -n" : "the host refused: ",
                  files ? "" : std::strerror(begun.error().error));
    real().write(STDERR_FILENO, text, std::strlen(text));
    real()._exit(125);
}

void end_counting() {
    Seat& seat = runtime().my_seat();
    if (seat.counted) seat.counted->end();
    seat.counted.reset();
}

bool pause_counting() {
    auto& counted = runtime().my_seat().counted;
    if (!counted || counted->paused()) return false;
    counted->pause();
    return true;
}

void report_progress() {
    Runtime& domain = runtime();
    Seat& seat = domain.my_seat();
    const Count clock = seat.counted->clock();
    const Count done = clock - seat.reported_clock;
    seat.reported_clock = clock;
    domain.order().advance(done, static_cast<Nanoseconds>(done) * nanoseconds_per_count);
}

void forget_progress() {
    Seat& seat = runtime().my_seat();
    if (seat.counted) seat.reported_clock = seat.counted->clock();
}

void resume_counting() {
    if (thread_state.number == nobody) return;  // it has left for good
    Seat& seat = runtime().my_seat();
    if (!seat.counted) return;
    seat.counted->resume(thread_state.outside ? no_boundary : Listener::target_of(seat));
}

bool take_counting_signal(int signal, siginfo_t* information, void* context) {
    return CountedThread::on_signal(signal, information, context);
}

void notice_lost_alarm(ParticipantNumber participant) {
    Runtime& domain = runtime();
    const auto& counted = domain.seat(participant).counted;
    if (!counted || counted->paused()) return;
    const Count target = counted->target();
    const auto clock = counted->clock_from_elsewhere();
    // The clock as others see it has the handlers' own counts in it: only a far miss is one for certain.
    const Count certain = domain.order().options().quantum + 10'000'000;
    if (target == no_boundary || !clock || *clock < target || *clock - target < certain) return;
    if (domain.holder() != participant || counted->target() != target) return;
    end_for_miss(domain, participant,
                 {.why = Miss::Why::lost, .target = target, .at = {.clock = *clock}, .failure = {}});
}

}  // namespace escapement::preload
