// Nobody is kept waiting for ever by others who never stop: not for a mutex, a time, a descriptor or a
// wake-up.

#include "check_many.hpp"

#include <escapement/domain.hpp>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <vector>

namespace escapement::simulation {
namespace {

enum class Wish : std::uint8_t { mutex, time, descriptor, wakeup };

struct Crowd {
    Policy policy = Policy::counted;
    Count quantum = 1;
    unsigned size = 2;       ///< participants, one of which is the guest
    unsigned guest = 0;      ///< who wants something
    Count inside = 0;        ///< counts that the others hold the mutex for
    Count outside = 0;       ///< counts between
    bool gives_way = false;  ///< the others give way after each round, as one who spins does
    bool stops_only_unlocked = false;
    Wish wish = Wish::mutex;
};

constexpr ObjectKey mutex = 8;
constexpr ObjectKey condition = 16;

class CrowdHost final : public Host {
  public:
    Nanoseconds time_passed(Nanoseconds) override { return 0; }
    bool poll_ready(ParticipantNumber) override { return true; }
    void hand_over(ParticipantNumber, ParticipantNumber) override {}
    IdleEnd idle(Nanoseconds, Nanoseconds) override { return {.reached_deadline = true}; }
    void stuck(const Order&) override { RC_FAIL("stuck"); }
};

class CrowdRun {
  public:
    explicit CrowdRun(const Crowd& crowd)
        : crowd_(crowd),
          domain_({.policy = crowd.policy, .quantum = crowd.quantum, .operation_ns = 1}, host_),
          steps_(crowd.size) {
        for (unsigned number = 1; number < crowd.size; ++number)
            domain_.order().create();
    }

    /// Counts of all participants until the guest has what it wants; `most` if it does not get it before.
    Count until_granted(Count most) {
        Order& order = domain_.order();
        // Each step but that of who gives way counts, or is followed by one that does.
        for (Count taken = 0; !granted_ && total() < most; ++taken) {
            RC_ASSERT(taken < 8 * most);
            const ParticipantNumber number = order.current();
            if (number == crowd_.guest) {
                guest_step(steps_[number]++);
            } else {
                step(number, steps_[number]++);
            }
            if (order.current() == nobody) (void)domain_.settle();
        }
        return total();
    }

  private:
    [[nodiscard]] Count total() {
        Count sum = 0;
        for (const Participant& each : domain_.order().participants())
            sum += each.clock;
        return sum;
    }
    void operation(bool may_stop) {
        Order& order = domain_.order();
        order.operation();
        if (may_stop && order.due()) order.yield();
    }
    void guest_step(unsigned at) {
        Order& order = domain_.order();
        if (at == 0) {
            operation(true);
        } else if (at == 1) {
            switch (crowd_.wish) {
                case Wish::mutex:
                    granted_ = order.lock(mutex);
                    break;
                case Wish::time:
                    order.sleep(order.now() + 50);
                    break;
                case Wish::descriptor:
                    order.poll("descriptor");
                    break;
                case Wish::wakeup:
                    order.wait(condition, "condition");
                    break;
            }
        } else {
            granted_ = true;
        }
    }
    void step(ParticipantNumber number, unsigned at) {
        Order& order = domain_.order();
        switch (at % 7) {
            case 0:
                operation(true);
                break;
            case 1:
                (void)order.lock(mutex);
                break;
            case 2:
                order.advance(crowd_.inside, 1);
                break;
            case 3:
                operation(!crowd_.stops_only_unlocked);
                break;
            case 4:
                if (crowd_.wish == Wish::wakeup) order.wake(condition, 1);
                RC_ASSERT(order.unlock(mutex));
                break;
            case 5:
                order.advance(crowd_.outside, 1);
                break;
            default:
                if (crowd_.gives_way && number % 2 == 0) order.give_way();
                break;
        }
    }

    Crowd crowd_;
    CrowdHost host_;
    Domain domain_;
    std::vector<unsigned> steps_;
    bool granted_ = false;
};

TEST_CASE("nobody is kept waiting for ever by a crowd that never stops") {
    const bool holds = check_many("nobody waits for ever", 20000, [] {
        Crowd crowd;
        crowd.policy = *rc::gen::element(Policy::counted, Policy::counted, Policy::ticktock);
        crowd.quantum = *rc::gen::oneOf(rc::gen::resize(100, rc::gen::inRange<Count>(1, 16)),
                                        rc::gen::resize(100, rc::gen::inRange<Count>(1, 1001)));
        crowd.size = *rc::gen::resize(100, rc::gen::inRange(2U, 7U));
        crowd.guest = *rc::gen::resize(100, rc::gen::inRange(0U, crowd.size));
        crowd.inside = *rc::gen::resize(100, rc::gen::inRange<Count>(0, 20));
        crowd.outside = *rc::gen::resize(100, rc::gen::inRange<Count>(0, 20));
        crowd.gives_way = *rc::gen::arbitrary<bool>();
        crowd.stops_only_unlocked = *rc::gen::arbitrary<bool>();
        crowd.wish = *rc::gen::element(Wish::mutex, Wish::time, Wish::descriptor, Wish::wakeup);
        // All of them have a few turns of a quantum each, and a round is finished in each turn.
        const Count round = crowd.inside + crowd.outside + 4;
        const Count most = Count{8} * crowd.size * crowd.size * (crowd.quantum + round) + 200;
        RC_LOG() << "quantum " << crowd.quantum << ", " << crowd.size << " participants, guest "
                 << crowd.guest << ", inside " << crowd.inside << ", outside " << crowd.outside
                 << ", gives way " << crowd.gives_way << ", stops only unlocked " << crowd.stops_only_unlocked
                 << ", wish " << static_cast<int>(crowd.wish) << "\n";
        RC_ASSERT(CrowdRun(crowd).until_granted(most) < most);
    });
    REQUIRE(holds);
}

}  // namespace
}  // namespace escapement::simulation
