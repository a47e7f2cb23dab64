// The never-hang rule's report: who waits for whom.

#include <escapement/order.hpp>

#include <cstdio>

namespace escapement {

namespace {

std::string name_of(const std::pmr::vector<Participant>& participants, ParticipantNumber number) {
    return "participant " + std::to_string(number) + " '" + participants[number].role + "'";
}

std::string hexadecimal(ObjectKey key) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(key));
    return text;
}

}  // namespace

std::string Order::stall_report() const {
    std::string report;
    for (ParticipantNumber number = 0; number < participants_.size(); ++number) {
        const Participant& each = participants_[number];
        if (each.state == State::exited || each.state == State::released) continue;
        report += "  " + name_of(participants_, number);
        switch (each.state) {
            case State::running:
                report += " runs";
                break;
            case State::ready:
                report += " could go on";
                break;
            case State::locking:
                report += std::string(" waits for ") + each.what + " " + hexadecimal(each.object);
                if (const HeldLocks::Lock* const lock = held_.find(each.object); lock != nullptr) {
                    report += ", held by " +
                              (lock->owner == number ? std::string("itself")
                                                     : name_of(participants_, lock->owner)) +
                              " since clock " + std::to_string(lock->since);
                }
                break;
            case State::waiting:
                report += std::string(" waits for ") + each.what;
                if (each.object != std::numeric_limits<ObjectKey>::max())
                    report += " " + hexadecimal(each.object);
                break;
            case State::polling:
                report += std::string(" polls ") + each.what;
                break;
            case State::joining:
                report += " waits for the end of " +
                          name_of(participants_, static_cast<ParticipantNumber>(each.object));
                break;
            case State::outside:
                report += std::string(" is outside: ") + each.what;
                break;
            case State::exited:
            case State::released:
                break;
        }
        if (each.state != State::running && each.state != State::ready) {
            report += ", since its clock " + std::to_string(each.since);
        }
        for (const ParticipantNumber waiter : waiters_of(number)) {
            report += "; keeps " + name_of(participants_, waiter) + " waiting";
        }
        report += "\n";
    }
    return report;
}

std::vector<ParticipantNumber> Order::waiters_of(ParticipantNumber holder_number) const {
    std::vector<ParticipantNumber> waiters;
    for (ParticipantNumber number = 0; number < participants_.size(); ++number) {
        const Participant& each = participants_[number];
        const bool for_lock = each.state == State::locking && holder(each.object) == holder_number;
        const bool for_end = each.state == State::joining && each.object == holder_number;
        if ((for_lock || for_end) && number != holder_number) waiters.push_back(number);
    }
    return waiters;
}

}  // namespace escapement
