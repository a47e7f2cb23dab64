// The never-hang rule's report.

#include "order.hpp"

namespace escapement::parallel {

namespace {

std::string name_of(const Seat& seat) {
    return "participant " + std::to_string(seat.number) + " '" + seat.role + "'";
}

std::string mutex_text(const Mutex& mutex) {
    std::string text = mutex.name;
    if (const Seat* const holder = mutex.holder.load(std::memory_order_relaxed); holder != nullptr)
        text += ", held by " + name_of(*holder) + " since clock " +
                std::to_string(mutex.since.load(std::memory_order_relaxed));
    return text;
}

}  // namespace

std::string Order::report() {
    std::string text;
    const ParticipantNumber count = count_.load(std::memory_order_acquire);
    for (ParticipantNumber number = 0; number < count; ++number)
        text += describe(seats_[number]);
    return text;
}

std::string Order::describe(const Seat& seat) const {
    const SeatState state = seat.state.load(std::memory_order_acquire);
    std::string text = "  " + name_of(seat);
    switch (state) {
        case SeatState::absent:
            return "";
        case SeatState::running:
            return text + " runs\n";
        case SeatState::held_back:
            return text + " is a quantum ahead, at clock " + std::to_string(seat.clock) + "\n";
        case SeatState::outside:
            text += " waits for the outside";
            break;
        case SeatState::requesting:
            text += " waits for its turn";
            break;
        case SeatState::blocked:
            switch (seat.request.kind) {
                case Kind::lock:
                    text += " waits for " + mutex_text(*seat.request.mutex);
                    break;
                case Kind::join:
                    text += " waits for the end of " + name_of(*seat.request.other);
                    break;
                default:
                    text += std::string(" waits for ") + seat.request.meeting->name;
                    break;
            }
            break;
    }
    return text + ", since its clock " + std::to_string(seat.since) + "\n";
}

}  // namespace escapement::parallel
