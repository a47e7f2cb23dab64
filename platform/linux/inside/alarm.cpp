#include "perf_event.hpp"
#include "raw_system_call.hpp"

#include <escapement/counter.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <limits>
#include <utility>

namespace escapement {

namespace {

/// Never comes: it is far, and the alarm is off anyway.
constexpr Count far_away = Count{1} << 60U;

tl::expected<void, CounterFailure> checked(long result) {
    if (result >= 0) return {};
    return tl::unexpected(CounterFailure{.refusal = Refusal::other, .error = static_cast<int>(-result)});
}

long control(int descriptor, unsigned long command, long argument) {
    return raw_system_call(SYS_ioctl, descriptor, static_cast<long>(command), argument);
}

/// The signal goes to the calling thread and tells the descriptor, so the descriptor must not change after.
tl::expected<void, CounterFailure> direct(int descriptor, int signal) {
    const f_owner_ex owner{.type = F_OWNER_TID, .pid = static_cast<pid_t>(raw_system_call(SYS_gettid))};
    return checked(raw_system_call(SYS_fcntl, descriptor, F_SETOWN_EX, reinterpret_cast<long>(&owner)))
        .and_then([&] { return checked(raw_system_call(SYS_fcntl, descriptor, F_SETSIG, signal)); })
        .and_then([&] { return checked(raw_system_call(SYS_fcntl, descriptor, F_SETFL, O_RDWR | O_ASYNC)); });
}

/// The kernel says only of an enabled event whether it has a counter for it.
tl::expected<void, CounterFailure> try_out(int descriptor) {
    auto enabled = checked(control(descriptor, PERF_EVENT_IOC_ENABLE, 0));
    if (!enabled) return enabled;
    const auto value = read_event(descriptor);
    const bool counted = value && counts_now(descriptor);
    control(descriptor, PERF_EVENT_IOC_DISABLE, 0);
    if (!value) return tl::unexpected(value.error());
    if (!counted) return tl::unexpected(CounterFailure{.refusal = Refusal::wrong_core_type, .error = 0});
    return {};
}

}  // namespace

tl::expected<Alarm, CounterFailure> Alarm::open(const EventCode& event, int signal) {
    perf_event_attr attributes = attributes_of(event);
    attributes.disabled = 1;
    attributes.sample_period = far_away;
    attributes.wakeup_events = 1;
    const auto descriptor = open_event(attributes, false);
    if (!descriptor) return tl::unexpected(descriptor.error());
    Alarm alarm(*descriptor);
    if (const auto ready = direct(*descriptor, signal).and_then([&] { return try_out(*descriptor); });
        !ready) {
        return tl::unexpected(ready.error());
    }
    return alarm;
}

Alarm::Alarm(Alarm&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), due_(std::exchange(other.due_, 0)) {}

Alarm& Alarm::operator=(Alarm&& other) noexcept {
    if (this != &other) {
        close();
        descriptor_ = std::exchange(other.descriptor_, -1);
        due_ = std::exchange(other.due_, 0);
    }
    return *this;
}

Alarm::~Alarm() {
    close();
}

void Alarm::close() {
    if (descriptor_ >= 0) close_event(descriptor_);
    descriptor_ = -1;
}

// The kernel disables the event after as many overflows as PERF_EVENT_IOC_REFRESH granted. Grants add up: one
// that was not used must not be followed by another, or there would be two signals. It was used if its signal
// has been seen (`spent`), or if the event has counted to where it was due. While the event is off nothing
// changes under our hands, and the new period begins from there (PERF_EVENT_IOC_PERIOD forgets what was left
// of the old one).
tl::expected<void, CounterFailure> Alarm::set(Count after) {
    if (after == 0 || after > far_away) {
        return tl::unexpected(CounterFailure{.refusal = Refusal::other, .error = EINVAL});
    }
    control(descriptor_, PERF_EVENT_IOC_DISABLE, 0);
    const auto now = read_event(descriptor_);
    if (!now) return tl::unexpected(now.error());
    const bool granted = due_ > now->value;
    if (auto period = checked(control(descriptor_, PERF_EVENT_IOC_PERIOD, reinterpret_cast<long>(&after)));
        !period) {
        return period;
    }
    due_ = now->value + after;
    return checked(control(descriptor_, PERF_EVENT_IOC_REFRESH, granted ? 0 : 1));
}

void Alarm::cancel() {
    control(descriptor_, PERF_EVENT_IOC_DISABLE, 0);
}

bool Alarm::sent(const siginfo_t& information) const {
    // SI_SIGIO stands for these codes with signals that have codes of their own, such as SIGTRAP.
    return information.si_fd == descriptor_ &&
           (information.si_code == POLL_IN || information.si_code == POLL_HUP ||
            information.si_code == SI_SIGIO);
}

}  // namespace escapement
