// The signals of counted threads: whose they are, and what their handlers count.

#include "counted_thread_costs.hpp"
#include "raw_system_call.hpp"

#include <escapement/interruption.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace escapement {

namespace {

// initial-exec: the first touch of any other model may allocate, and handlers touch it.
constinit thread_local CountedThread* current __attribute__((tls_model("initial-exec"))) = nullptr;

struct sigaction trap_before;
struct sigaction alarm_before;
int installed_alarm_signal = 0;

void pass_on(const struct sigaction& before, int signal, siginfo_t* information, void* context) {
    if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(signal, information, context);
    if (before.sa_handler == SIG_IGN) return;
    if (before.sa_handler != SIG_DFL) return before.sa_handler(signal);
    // The default action, once this handler has returned.
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
    raise(signal);
}

void on_any_signal(int signal, siginfo_t* information, void* context) {
    if (CountedThread::on_signal(signal, information, context)) return;
    const int saved = errno;
    pass_on(signal == SIGTRAP ? trap_before : alarm_before, signal, information, context);
    errno = saved;
}

}  // namespace

void CountedThread::install_handlers(int alarm_signal) {
    if (installed_alarm_signal == alarm_signal) return;
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, alarm_signal);
    Stepper::install(alarm_signal, on_any_signal, mask, &alarm_before);
    if (installed_alarm_signal == 0) Stepper::install(SIGTRAP, on_any_signal, mask, &trap_before);
    installed_alarm_signal = alarm_signal;
}

void CountedThread::enter() {
    current = this;
}

void CountedThread::leave() {
    current = nullptr;
}

bool CountedThread::on_signal(int signal, const siginfo_t* information, void* context) {
    CountedThread* const thread = current;
    return thread != nullptr && thread->handle(signal, *information, context);
}

/// This thread's own alarm signal, with its name on it.
void CountedThread::kick() const {
    siginfo_t information{};
    information.si_code = SI_QUEUE;
    information.si_value.sival_ptr = const_cast<CountedThread*>(this);
    raw_system_call(SYS_rt_tgsigqueueinfo, raw_system_call(SYS_getpid), thread_id_, options_.alarm_signal,
                    reinterpret_cast<long>(&information));
}

bool CountedThread::handle(int signal, const siginfo_t& information, void* context) {
    Count again = 0;
    Count entry = raw(again);
    entry -= again * costs_.extra_try_of_page;
    bool alarmed = false;
    bool whole_step = false;
    if (signal == SIGTRAP) {
        const Step taken = stepper_->take(information, context);
        if (!taken) return false;
        if (options_.stepped && !paused_) stepped_ = entry = entry + taken.retired;
        whole_step = taken.retired > 1;
    } else {
        alarmed = alarm_ && alarm_->sent(information);
        const bool kicked = information.si_code == SI_QUEUE && information.si_value.sival_ptr == this;
        if (!alarmed && !kicked) return false;
    }
    if (learning_ != nullptr && learning_->phase == Learning::Phase::steps) {
        learn_from_step(context, entry);
    } else {
        come_closer(entry, context, alarmed, whole_step);
    }
    // One way out for all, so that what follows the reading costs the same every time.
    exit_ = raw(again);
    handlers_ = handlers_ + (exit_ - entry) + costs_.handler;
    return true;
}

// Longer than this handler's way out, and shorter than the shortest run.
constexpr Count later = 600;

/// In a handler whose first reading was `entry`.
void CountedThread::come_closer(Count entry, void* context, bool alarmed, bool whole_step) {
    const Count clock = (options_.stepped ? entry : entry - handlers_ - costs_.entry) - excluded_;
    // A signal that was under way when the alarm was set anew: it is still to come.
    if (alarmed && !paused_ && alarm_set_ && clock == alarm_from_ && alarm_at_ - alarm_from_ >= later)
        alarmed = false;
    if (alarmed) {
        alarm_->spent();
        ++statistics_.alarms;
        if (!paused_ && alarm_set_ && clock > alarm_at_ && clock - alarm_at_ > statistics_.latest)
            statistics_.latest = clock - alarm_at_;
        // All of the little that it was set for has been spent on the way out of the handler: so would the
        // next.
        if (!paused_ && alarm_set_ && clock == alarm_from_) steps_only_ = true;
        alarm_set_ = false;
        if (learning_ != nullptr) learn_from_alarm(clock);
    }
    if (paused_) {
        stop_stepping(context);
        // Too late for resume() to see that the alarm has been spent: a little later, then. Not at once, or
        // it would be spent on the way out of this handler, again and again.
        if (resuming_ && alarmed && target_ != no_boundary) set_alarm(clock, later, 0);
    } else if (unreadable_) {
        stop_stepping(context);
        miss(Miss::Why::unreadable, {.clock = clock, .address = interruption_of(context).address});
    } else {
        go_on(clock, context, whole_step);
    }
}

}  // namespace escapement
