// The loop between the order's answers and a host's threads.

#include <escapement/domain.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <utility>
#include <vector>

namespace escapement {
namespace {

const OrderOptions options{.policy = Policy::counted, .quantum = 10, .operation_ns = 1};

struct StuckHere {};

class FakeHost final : public Host {
  public:
    Nanoseconds time_passed(Nanoseconds) override { return passes; }
    bool poll_ready(ParticipantNumber participant) override {
        ++looks;
        return ready(participant);
    }
    void hand_over(ParticipantNumber from, ParticipantNumber to) override {
        handed.emplace_back(from, to);
        other(to);
    }
    IdleEnd idle(Nanoseconds now, Nanoseconds deadline) override {
        idles.emplace_back(now, deadline);
        if (idles.size() > 100) throw StuckHere{};
        return idle_end;
    }
    void stuck(const Order&) override { throw StuckHere{}; }

    Nanoseconds passes = 0;
    unsigned looks = 0;
    std::function<bool(ParticipantNumber)> ready = [](ParticipantNumber) { return false; };
    std::function<void(ParticipantNumber)> other = [](ParticipantNumber) {};
    std::vector<std::pair<ParticipantNumber, ParticipantNumber>> handed;
    std::vector<std::pair<Nanoseconds, Nanoseconds>> idles;
    IdleEnd idle_end{.reached_deadline = true};
};

}  // namespace

TEST_CASE("domain: an operation hands the turn on when that is due and allowed") {
    FakeHost host;
    Domain domain(options, host);
    domain.order().create();
    // The other comes, does ten operations' worth, and hands the turn back.
    host.other = [&](ParticipantNumber to) {
        if (to != 1) return;
        domain.order().advance(11, 0);
        domain.order().yield();
        REQUIRE(domain.settle() == 0);
    };
    for (unsigned count = 0; count < 9; ++count)
        domain.operation();
    CHECK(host.handed.empty());
    domain.operation(false);
    CHECK(host.handed.empty());
    CHECK(domain.order().due());
    domain.boundary();
    REQUIRE(host.handed.size() == 1);
    CHECK(host.handed[0] == std::pair<ParticipantNumber, ParticipantNumber>(0, 1));
    CHECK(domain.order().current() == 0);
    domain.boundary();
    CHECK(host.handed.size() == 1);
    domain.give_way();
    CHECK(host.handed.size() == 2);
}

TEST_CASE("domain: a turn that comes back at once is handed to nobody") {
    FakeHost host;
    Domain domain(options, host);
    for (unsigned count = 0; count < 100; ++count)
        domain.operation();
    domain.give_way();
    domain.order().sleep(5000);
    CHECK(domain.pass_turn() == Wakeup::timed_out);
    CHECK(host.handed.empty());
    REQUIRE(host.idles.size() == 1);
    CHECK(host.idles[0] == std::pair<Nanoseconds, Nanoseconds>(100, 5000));
    CHECK(domain.order().now() == 5000);
}

TEST_CASE("domain: idle time may end before the deadline, or for nothing") {
    FakeHost host;
    Domain domain(options, host);
    host.idle_end = {.reached_deadline = false, .passed = 30};
    host.ready = [&](ParticipantNumber) { return host.idles.size() == 2; };
    domain.order().poll("descriptors", 100);
    CHECK(domain.pass_turn() == Wakeup::completed);
    CHECK(host.idles.size() == 2);
    CHECK(domain.order().now() == 60);
    CHECK(domain.order().statistics().jumps == 0);
}

TEST_CASE("domain: polls that are ready when their deadline comes are not timed out") {
    FakeHost host;
    Domain domain(options, host);
    host.ready = [](ParticipantNumber participant) { return participant == 0; };
    domain.order().create();
    host.other = [&](ParticipantNumber to) {
        REQUIRE(to == 1);
        domain.order().advance(1, 200);
        domain.order().yield();
        REQUIRE(domain.settle() == 0);
    };
    domain.order().poll("descriptors", 100);
    CHECK(domain.pass_turn() == Wakeup::completed);
}

TEST_CASE("domain: polls are looked at once in a quantum while others can go on") {
    FakeHost host;
    Domain domain(options, host);
    domain.order().create();
    domain.order().create();
    domain.order().poll("descriptors");
    REQUIRE(domain.settle() == 1);
    CHECK(host.looks == 0);
    domain.order().advance(10, 0);
    domain.order().yield();
    REQUIRE(domain.settle() == 2);
    CHECK(host.looks == 1);
    domain.order().advance(1, 0);
    domain.order().yield();
    REQUIRE(domain.settle() == 2);
    CHECK(host.looks == 1);
}

TEST_CASE("domain: time that passes by itself is the order's") {
    FakeHost host;
    Domain domain(options, host);
    host.passes = 40;
    domain.give_way();
    CHECK(domain.order().now() == 40);
}

TEST_CASE("domain: what nobody can bring is a deadlock, whatever it is") {
    FakeHost host;
    Domain domain(options, host);
    SECTION("a wake-up") {
        domain.order().wait(5, "thing");
    }
    SECTION("input, where the host knows that none can come") {
        domain.order().poll("descriptors");
    }
    CHECK_THROWS_AS(domain.pass_turn(), StuckHere);
}

TEST_CASE("domain: nobody has the turn when everybody has ended") {
    FakeHost host;
    Domain domain(options, host);
    domain.order().exit();
    CHECK(domain.settle() == nobody);
    CHECK(host.idles.empty());
}

}  // namespace escapement
