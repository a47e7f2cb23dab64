#include <escapement/domain.hpp>

namespace escapement {

Domain::Domain(const OrderOptions& options, Host& host) : order_(options), host_(host) {}

void Domain::operation(bool may_yield) {
    order_.operation();
    if (may_yield) boundary();
}

void Domain::boundary() {
    if (!order_.due()) return;
    order_.yield();
    pass_turn();
}

void Domain::give_way() {
    order_.give_way();
    pass_turn();
}

Wakeup Domain::pass_turn() {
    const ParticipantNumber from = running_;
    const ParticipantNumber to = settle();
    if (to != from) host_.hand_over(from, to);
    return order_.wakeup(from);
}

ParticipantNumber Domain::settle() {
    for (;;) {
        order_.idle_time(host_.time_passed(order_.now()));
        if (order_.polls_due()) {
            const auto count = static_cast<ParticipantNumber>(order_.participants().size());
            for (ParticipantNumber number = 0; number < count; ++number) {
                if (order_.participants()[number].suspended) {
                    if (!host_.poll_ready(number)) continue;
                    order_.resume(number);
                }
                const State state = order_.participants()[number].state;
                if ((state == State::polling || state == State::waiting || state == State::outside ||
                     state == State::joining) &&
                    host_.poll_ready(number)) {
                    order_.poll_ready(number);
                }
            }
            order_.polls_seen();
        }
        const Decision decision = order_.decide();
        switch (decision.kind) {
            case Decision::Kind::turn:
                running_ = decision.participant;
                return decision.participant;
            case Decision::Kind::idle: {
                const Host::IdleEnd end = host_.idle(order_.now(), decision.deadline);
                if (!end.reached_deadline) {
                    order_.idle_time(end.passed);
                } else if (decision.deadline != no_deadline) {
                    order_.jump_to(decision.deadline);
                } else {
                    host_.stuck(order_);  // polls, without end, for what nobody can bring
                }
                break;
            }
            case Decision::Kind::stuck:
                host_.stuck(order_);
                break;
            case Decision::Kind::over:
                running_ = nobody;
                return nobody;
        }
    }
}

}  // namespace escapement
