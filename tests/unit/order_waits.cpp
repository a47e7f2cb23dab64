// Waits for others, for times and for the outside.

#include <escapement/order.hpp>

#include <catch2/catch.hpp>

#include <limits>
#include <vector>

namespace escapement {
namespace {

const OrderOptions options{.policy = Policy::counted, .quantum = 100, .operation_ns = 10};
constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

ParticipantNumber turn(Order& order) {
    const Decision decision = order.decide();
    REQUIRE(decision.kind == Decision::Kind::turn);
    return decision.participant;
}

/// Participants 3, 2 and 1 wait for `object`, in this order; 0 has the turn, at clock 10.
void let_three_wait(Order& order, ObjectKey object) {
    for (unsigned number = 1; number <= 3; ++number)
        order.create();
    order.sleep(1);
    for (const Count until : {9U, 8U, 7U}) {
        REQUIRE(order.decide().kind == Decision::Kind::turn);
        order.advance(until, 0);
        order.yield();
    }
    for (const ParticipantNumber number : {3U, 2U, 1U}) {
        REQUIRE(turn(order) == number);
        order.wait(object, "thing");
    }
    order.jump_to(1);
    REQUIRE(turn(order) == 0);
    order.advance(10 - order.participants()[0].clock, 0);
}

}  // namespace

TEST_CASE("order: the first to wait is the first to wake, past the clock of who wakes it") {
    Order order(options);
    let_three_wait(order, 5);
    CHECK(order.wake(6, all) == 0);
    CHECK(order.wake(5, 0) == 0);
    CHECK(order.wake(5, 1) == 1);
    CHECK(order.participants()[3].state == State::ready);
    CHECK(order.participants()[3].clock == 11);
    CHECK(order.participants()[2].state == State::waiting);
    CHECK(order.wake(5, all) == 2);
    CHECK(order.participants()[1].clock == 11);
    CHECK(order.wake(5, all) == 0);
    order.sleep(100);
    CHECK(turn(order) == 1);  // equal clocks
}

TEST_CASE("order: waiters can be moved to wait for something else") {
    Order order(options);
    let_three_wait(order, 5);
    CHECK(order.requeue(5, 1, 6, all) == 3);
    CHECK(order.participants()[3].state == State::ready);
    CHECK(order.wake(5, all) == 0);
    CHECK(order.wake(6, 1) == 1);
    CHECK(order.participants()[2].state == State::ready);
    CHECK(order.participants()[1].state == State::waiting);
    CHECK(order.requeue(6, 0, 5, 0) == 0);
    CHECK(order.requeue(6, 0, 5, 1) == 1);
    CHECK(order.wake(5, all) == 1);
}

TEST_CASE("order: waiters can be moved to where they are") {
    Order order(options);
    let_three_wait(order, 5);
    CHECK(order.requeue(5, 0, 5, all) == 3);
    CHECK(order.requeue(5, 1, 5, 1) == 2);
    CHECK(order.participants()[3].state == State::ready);
    CHECK(order.wake(5, all) == 2);
}

TEST_CASE("order: time-outs are neither early nor late") {
    Order order(options);
    order.create();
    order.wait(5, "thing", Nanoseconds{100});
    REQUIRE(turn(order) == 1);
    order.advance(1, 99);
    order.yield();
    REQUIRE(turn(order) == 1);
    order.advance(1, 1);
    order.yield();
    CHECK(turn(order) == 0);
    CHECK(order.wakeup(0) == Wakeup::timed_out);
    CHECK(order.participants()[0].clock == 2);  // as far as the other was when it happened
    CHECK(order.wake(5, 1) == 0);
}

TEST_CASE("order: a wake-up ends the deadline") {
    Order order(options);
    order.create();
    order.wait(5, "thing", Nanoseconds{100});
    REQUIRE(turn(order) == 1);
    CHECK(order.wake(5, 1) == 1);
    order.advance(50, 200);
    order.sleep(1000);
    CHECK(turn(order) == 0);
    CHECK(order.wakeup(0) == Wakeup::completed);
    order.wait(5, "thing");
    CHECK(order.decide().deadline == 1000);
}

TEST_CASE("order: idle time is jumped over to the earliest deadline") {
    Order order(options);
    order.create();
    order.sleep(300);
    REQUIRE(turn(order) == 1);
    order.wait(5, "thing", Nanoseconds{200});
    const Decision idle = order.decide();
    CHECK(idle.kind == Decision::Kind::idle);
    CHECK(idle.deadline == 200);
    CHECK(idle.participant == nobody);
    order.idle_time(50);
    CHECK(order.now() == 50);
    order.idle_time(-50);
    CHECK(order.now() == 50);
    order.jump_to(40);
    CHECK(order.now() == 50);
    CHECK(order.statistics().jumps == 0);
    order.jump_to(200);
    CHECK(order.now() == 200);
    CHECK(order.statistics().jumps == 1);
    CHECK(order.statistics().jumped_ns == 150);
    CHECK(turn(order) == 1);
    order.exit();
    CHECK(order.decide().deadline == 300);
}

TEST_CASE("order: a deadline that has passed is no wait") {
    Order order(options);
    order.advance(1, 500);
    order.sleep(500);
    CHECK(turn(order) == 0);
    CHECK(order.wakeup(0) == Wakeup::timed_out);
    CHECK(order.statistics().jumps == 0);
}

TEST_CASE("order: a poll ends when the host says so, or at its deadline") {
    Order order(options);
    order.create();
    CHECK_FALSE(order.anybody_polls());
    order.poll("descriptors", 100);
    CHECK(order.anybody_polls());
    REQUIRE(turn(order) == 1);
    order.advance(7, 0);
    order.poll_ready(0);
    order.sleep(1000);
    CHECK(turn(order) == 0);
    CHECK(order.wakeup(0) == Wakeup::completed);
    CHECK(order.participants()[0].clock == 7);
    order.poll("descriptors", 100);
    CHECK(order.decide().deadline == 100);
    order.jump_to(100);
    CHECK(turn(order) == 0);
    CHECK(order.wakeup(0) == Wakeup::timed_out);
}

TEST_CASE("order: idle time ends at the host's alarm, where somebody polls") {
    Order order(options);
    order.set_alarm(70);
    order.wait(1, "a wake-up");
    CHECK(order.decide().kind == Decision::Kind::stuck);
    order.set_alarm(70, true);  // as if it might wake somebody
    CHECK(order.decide().kind == Decision::Kind::idle);
    CHECK(order.decide().deadline == 70);
    order.set_alarm(no_deadline, true);
    CHECK(order.decide().kind == Decision::Kind::stuck);
    Order polling(options);
    polling.set_alarm(70);
    polling.poll("descriptors", 100);
    CHECK(polling.decide().deadline == 70);
    polling.jump_to(70);
    polling.set_alarm(no_deadline);
    CHECK(polling.decide().deadline == 100);
}

TEST_CASE(
    "order: polls are looked at when nobody else can go on, once in a quantum, and before they time out") {
    Order order(options);
    order.create();
    order.poll("descriptors", 1000);
    CHECK_FALSE(order.polls_due());
    REQUIRE(turn(order) == 1);
    order.advance(99, 0);
    CHECK(order.polls_due());  // the caller is not one who waits for the turn
    order.yield();
    CHECK_FALSE(order.polls_due());
    REQUIRE(turn(order) == 1);
    order.advance(1, 0);
    order.yield();
    CHECK(order.polls_due());
    order.polls_seen();
    CHECK_FALSE(order.polls_due());
    REQUIRE(turn(order) == 1);
    order.advance(1, 1000);
    order.yield();
    CHECK(order.polls_due());
}

TEST_CASE(
    "order: what comes from outside is looked for more seldom, if it should be, than what somebody brings") {
    Order order({.quantum = 100, .outside_quantum = 300});
    order.create();
    order.poll("descriptors");
    REQUIRE(turn(order) == 1);
    const auto runs = [&](Count counts) {
        order.advance(counts, 0);
        order.yield();
        const bool due = order.polls_due();
        if (due) order.polls_seen();
        REQUIRE(turn(order) == 1);
        return due;
    };
    CHECK_FALSE(runs(100));
    CHECK_FALSE(runs(199));
    CHECK(runs(1));
    order.expect_polls();
    CHECK_FALSE(runs(99));
    CHECK(runs(1));
    CHECK_FALSE(runs(100));  // seen, and no longer expected
    order.expect_polls();
    CHECK(runs(1));
}

TEST_CASE("order: who is outside is waited for, and comes back") {
    Order order(options);
    order.create();
    order.leave("a call");
    REQUIRE(turn(order) == 1);
    order.advance(20, 0);
    order.exit();
    CHECK(order.polls_due());
    const Decision idle = order.decide();
    CHECK(idle.kind == Decision::Kind::idle);
    CHECK(idle.deadline == no_deadline);
    order.poll_ready(0);
    CHECK(turn(order) == 0);
    CHECK(order.participants()[0].clock == 20);
}

TEST_CASE("order: everybody has ended, which is no deadlock") {
    Order order(options);
    order.create();
    order.exit();
    REQUIRE(turn(order) == 1);
    order.exit();
    CHECK(order.decide().kind == Decision::Kind::over);
    order.release(ParticipantNumber{0});
    CHECK(order.decide().kind == Decision::Kind::over);
}

TEST_CASE("order: time passes faster for who asks for it again and again, while nobody else could go on") {
    Order order({.quantum = 1'000'000, .operation_ns = 100, .waits_by_asking = true});
    const auto ask = [&order](int times) {
        const Nanoseconds before = order.now();
        for (int time = 0; time < times; ++time) {
            order.operation();
            order.ask_time();
        }
        return order.now() - before;
    };
    constexpr Nanoseconds fastest = 1000 + (100 << 13);
    CHECK(ask(512) == 100 + 511 * 1000);  // a microsecond each, as ever
    CHECK(ask(10) > 10 * 1000);
    ask(2000);
    CHECK(ask(1) == fastest);
    SECTION("not while somebody else is ready") {
        order.create();
        CHECK(ask(1) == 1000);
    }
    SECTION("not past another's deadline") {
        order.create();
        order.operation();
        order.yield();
        REQUIRE(turn(order) == 1);
        const Nanoseconds deadline = order.now() + 1'000'000;
        order.sleep(deadline);
        REQUIRE(turn(order) == 0);
        ask(5);
        CHECK(order.now() >= deadline);
        CHECK(order.now() < deadline + 5 * 1000);
    }
    SECTION("a wait begins it anew, and a look at what is there does not") {
        order.poll("descriptors", order.now());
        REQUIRE(turn(order) == 0);
        CHECK(ask(1) == fastest);
        order.sleep(order.now() + 1);
        REQUIRE(order.decide().kind == Decision::Kind::idle);
        order.jump_to(order.now() + 1);
        REQUIRE(turn(order) == 0);
        CHECK(ask(512) <= 512 * 1000);
    }
}

TEST_CASE("order: who asks for the time twice sees a microsecond pass, whoever else asks") {
    Order order({.quantum = 1'000'000, .operation_ns = 100, .waits_by_asking = true});
    order.create();
    order.ask_time();
    const Nanoseconds first = order.now();
    order.ask_time();
    CHECK(order.now() == first + 1000);
    order.advance(1, 0);
    order.yield();
    REQUIRE(turn(order) == 1);
    order.ask_time();
    CHECK(order.now() == first + 1000);  // its first answer
    order.advance(1, 5000);
    order.ask_time();
    CHECK(order.now() == first + 6000);  // more than that has passed
    Order counted({.quantum = 1'000'000, .operation_ns = 100});
    counted.ask_time();
    counted.ask_time();
    CHECK(counted.now() == 0);
}

TEST_CASE("order: who is suspended does not get the turn, whatever it waited for comes") {
    Order order(options);
    order.create();
    order.create();
    order.sleep(1);
    REQUIRE(turn(order) == 1);
    order.wait(5, "thing");
    REQUIRE(turn(order) == 2);
    order.suspend(1);
    CHECK(order.anybody_suspended());
    CHECK(order.wake(5, all) == 1);
    order.yield();
    order.jump_to(1);
    REQUIRE(turn(order) == 0);  // with the least clock, 1 would have been next
    order.wait(6, "other thing");
    REQUIRE(turn(order) == 2);
    order.wait(6, "other thing");
    const Decision decision = order.decide();
    CHECK(decision.kind == Decision::Kind::idle);  // and not stuck: it may be resumed
    CHECK(decision.deadline == no_deadline);
    CHECK(order.polls_due());
    order.resume(1);
    CHECK_FALSE(order.anybody_suspended());
    CHECK(turn(order) == 1);
    CHECK(order.wakeup(1) == Wakeup::completed);
}

TEST_CASE("order: who is suspended does not miss what comes in time") {
    Order order(options);
    order.create();
    order.sleep(100);
    REQUIRE(turn(order) == 1);
    order.suspend(0);
    CHECK_FALSE(order.others_want_the_turn());
    order.poll("descriptors", 50);
    order.jump_to(200);
    order.suspend(1);
    CHECK(order.decide().kind == Decision::Kind::idle);
    CHECK(order.participants()[1].state == State::polling);  // its poll can be asked for when it is back
    order.resume(1);
    order.poll_ready(1);
    CHECK(turn(order) == 1);
    CHECK(order.wakeup(1) == Wakeup::completed);
}

TEST_CASE("order: a turn that is taken back is got again, and the wait before it ended as it did") {
    Order order(options);
    order.create();
    order.wait(5, "thing", Nanoseconds{10});
    REQUIRE(turn(order) == 1);
    order.wait(6, "other thing", Nanoseconds{20});
    order.jump_to(10);
    REQUIRE(turn(order) == 0);
    order.suspend(0);
    CHECK(order.current() == nobody);
    const Decision decision = order.decide();
    CHECK(decision.kind == Decision::Kind::idle);
    CHECK(decision.deadline == 20);
    order.resume(0);
    CHECK(turn(order) == 0);
    CHECK(order.wakeup(0) == Wakeup::timed_out);
}

}  // namespace escapement
