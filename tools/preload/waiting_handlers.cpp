#include "waiting_handlers.hpp"

#include "real.hpp"
#include "thread_status.hpp"

#include <sys/syscall.h>

#include <ctime>

namespace escapement::preload {

namespace {

constexpr std::int64_t longest_ns = 1'000'000'000;  ///< however busy the host is

}  // namespace

HandlerInside::HandlerInside(bool inside) {
    if (!inside || thread_state.number == nobody) return;
    seat_ = &runtime().my_seat();
    seat_->handlers.fetch_add(1, std::memory_order_seq_cst);
}

HandlerInside::~HandlerInside() {
    if (seat_ == nullptr) return;
    seat_->handlers.fetch_sub(1, std::memory_order_seq_cst);
    runtime().kick_idler();
}

void suspend_waiting_handlers() {
    Runtime& domain = runtime();
    const auto& participants = domain.order().participants();
    for (ParticipantNumber number = 0; number < participants.size(); ++number) {
        const State state = participants[number].state;
        if (number == thread_state.number || state == State::exited || state == State::released) continue;
        Seat& seat = domain.seat(number);
        if (seat.in_handler() && sleeps_for_another(seat.thread_id.load(std::memory_order_relaxed)))
            domain.order().suspend(number);
    }
}

void await_suspended() {
    Runtime& domain = runtime();
    const std::int64_t began = domain.host_ns();
    const auto& participants = domain.order().participants();
    for (ParticipantNumber number = 0; number < participants.size(); ++number) {
        if (!participants[number].suspended) continue;
        Seat& seat = domain.seat(number);
        while (seat.in_handler() && !sleeps_for_another(seat.thread_id.load(std::memory_order_relaxed)) &&
               domain.host_ns() - began < longest_ns) {
            const timespec pause{.tv_sec = 0, .tv_nsec = 20'000};
            real().syscall(SYS_nanosleep, &pause, nullptr);
        }
        if (!seat.in_handler()) domain.order().resume(number);
    }
}

bool take_turn_back(ParticipantNumber holder) {
    Runtime& domain = runtime();
    Seat& seat = domain.seat(holder);
    if (!seat.in_handler() || !seat.place.retract()) return false;
    domain.add_incident({.participant = holder,
                         .reason = "waited for another thread in a signal handler when its turn came"});
    domain.order().suspend(holder);
    return true;
}

}  // namespace escapement::preload
