// Mutexes, and waits that give one up and take it again.

#include <escapement/order.hpp>

#include <catch2/catch.hpp>

namespace escapement {
namespace {

const OrderOptions options{.policy = Policy::counted, .quantum = 100, .operation_ns = 10};

ParticipantNumber turn(Order& order) {
    const Decision decision = order.decide();
    REQUIRE(decision.kind == Decision::Kind::turn);
    return decision.participant;
}

}  // namespace

TEST_CASE("order: a mutex is one participant's at a time") {
    Order order(options);
    order.create();
    REQUIRE(order.lock(7));
    CHECK(order.holder(7) == 0);
    CHECK_FALSE(order.try_lock(7));
    CHECK(order.held_locks().size() == 1);
    order.yield();
    REQUIRE(turn(order) == 0);
    order.advance(1, 0);
    order.yield();
    REQUIRE(turn(order) == 1);
    CHECK_FALSE(order.try_lock(7));
    CHECK_FALSE(order.try_lock(7, true));
    CHECK_FALSE(order.unlock(7));
    CHECK_FALSE(order.unlock(8));
    CHECK(order.holder(7) == 0);
    CHECK(order.try_lock(8));
    CHECK_FALSE(order.lock(7));
    CHECK(order.current() == nobody);
    REQUIRE(turn(order) == 0);
    order.advance(4, 0);
    REQUIRE(order.unlock(7));
    CHECK(order.holder(7) == nobody);
    order.exit();
    REQUIRE(turn(order) == 1);
    CHECK(order.holder(7) == 1);
    CHECK(order.wakeup(1) == Wakeup::completed);
    CHECK(order.participants()[1].clock == 6);  // past the one that unlocked it
    CHECK(order.held_locks().find(7)->since == 6);
}

TEST_CASE("order: a recursive mutex is free when it was unlocked as often as it was locked") {
    Order order(options);
    REQUIRE(order.lock(7, true));
    REQUIRE(order.lock(7, true));
    REQUIRE(order.try_lock(7, true));
    CHECK(order.held_locks().find(7)->depth == 3);
    CHECK(order.unlock(7));
    CHECK(order.unlock(7));
    CHECK(order.holder(7) == 0);
    CHECK(order.unlock(7));
    CHECK(order.holder(7) == nobody);
    CHECK_FALSE(order.unlock(7));
}

TEST_CASE("order: any other mutex that the caller holds is waited for, for ever") {
    Order order(options);
    REQUIRE(order.lock(7));
    CHECK_FALSE(order.lock(7));
    CHECK(order.decide().kind == Decision::Kind::stuck);
}

TEST_CASE("order: a lock with a deadline is had or times out") {
    const bool in_time = GENERATE(true, false);
    Order order(options);
    order.create();
    REQUIRE(order.lock(7));
    order.sleep(40);
    REQUIRE(turn(order) == 1);
    REQUIRE_FALSE(order.lock(7, false, 50));
    REQUIRE(order.decide().deadline == 40);
    order.jump_to(40);
    REQUIRE(turn(order) == 0);
    if (in_time) {
        REQUIRE(order.unlock(7));
    } else {
        order.advance(1, 0);
    }
    order.sleep(200);
    if (in_time) {
        CHECK(turn(order) == 1);
        CHECK(order.wakeup(1) == Wakeup::completed);
        CHECK(order.holder(7) == 1);
        CHECK(order.participants()[1].deadline == no_deadline);
        return;
    }
    REQUIRE(order.decide().deadline == 50);
    order.jump_to(49);
    REQUIRE(order.decide().kind == Decision::Kind::idle);
    order.jump_to(50);
    CHECK(turn(order) == 1);
    CHECK(order.wakeup(1) == Wakeup::timed_out);
    CHECK(order.holder(7) == 0);
}

TEST_CASE("order: a mutex that is free when its deadline has passed is had all the same") {
    Order order(options);
    order.create();
    REQUIRE(order.lock(7));
    order.sleep(5);
    REQUIRE(turn(order) == 1);
    REQUIRE_FALSE(order.lock(7, false, 50));
    order.jump_to(5);
    REQUIRE(turn(order) == 0);
    order.advance(1, 100);
    REQUIRE(order.unlock(7));
    order.yield();
    CHECK(turn(order) == 1);
    CHECK(order.wakeup(1) == Wakeup::completed);
    CHECK(order.holder(7) == 1);
}

TEST_CASE("order: those who wait for a mutex get it in the order of the clocks at which they asked") {
    Order order(options);
    for (unsigned number = 1; number <= 3; ++number)
        order.create();
    REQUIRE(order.lock(7));
    order.sleep(1);
    REQUIRE(turn(order) == 1);
    order.advance(9, 0);
    REQUIRE_FALSE(order.lock(7));
    REQUIRE(turn(order) == 2);
    order.advance(5, 0);
    REQUIRE_FALSE(order.lock(7));
    REQUIRE(turn(order) == 3);
    order.advance(5, 0);
    REQUIRE_FALSE(order.lock(7));
    order.jump_to(1);
    REQUIRE(turn(order) == 0);
    order.advance(50, 0);
    for (const ParticipantNumber next : {2U, 3U, 1U}) {
        const Count clock = order.participants()[order.current()].clock;
        REQUIRE(order.unlock(7));
        order.exit();
        REQUIRE(turn(order) == next);
        CHECK(order.holder(7) == next);
        CHECK(order.participants()[next].clock == clock + 1);
    }
}

TEST_CASE("order: one who waits on a condition gives its mutex up and has it again, as deep as it was") {
    const bool times_out = GENERATE(false, true);
    Order order(options);
    order.create();
    REQUIRE(order.lock(7, true));
    REQUIRE(order.lock(7, true));
    order.wait(20, "condition", 7, times_out ? 30 : no_deadline);
    CHECK(order.holder(7) == nobody);
    REQUIRE(turn(order) == 1);
    order.advance(10, 31);
    REQUIRE(order.lock(7));
    if (!times_out) CHECK(order.wake(20, 1) == 1);
    order.yield();
    REQUIRE(turn(order) == 1);  // who waited cannot go on without the mutex
    CHECK(order.participants()[0].state == State::locking);
    CHECK(order.wake(20, 1) == 0);
    REQUIRE(order.unlock(7));
    order.advance(5, 0);
    order.yield();
    REQUIRE(turn(order) == 0);
    CHECK(order.wakeup(0) == (times_out ? Wakeup::timed_out : Wakeup::completed));
    CHECK(order.holder(7) == 0);
    CHECK(order.held_locks().find(7)->depth == 2);
    CHECK(order.participants()[0].clock == 11);
}

TEST_CASE("order: a wait with a mutex that the caller does not hold takes none") {
    Order order(options);
    order.create();
    order.wait(20, "condition", ObjectKey{7});
    REQUIRE(turn(order) == 1);
    REQUIRE(order.lock(7));
    CHECK(order.wake(20, 1) == 1);
    order.sleep(1000);
    CHECK(turn(order) == 0);
    CHECK(order.holder(7) == 1);
}

TEST_CASE("order: a mutex asked for after a wait starts its own account of clocks") {
    Order order(options);
    order.create();
    REQUIRE(order.lock(7));
    order.sleep(1);
    REQUIRE(turn(order) == 1);
    REQUIRE_FALSE(order.lock(7));
    order.jump_to(1);
    REQUIRE(turn(order) == 0);
    order.advance(90, 0);
    REQUIRE(order.unlock(7));
    order.sleep(10);
    REQUIRE(turn(order) == 1);
    CHECK(order.participants()[1].clock == 91);
    REQUIRE(order.unlock(7));
    REQUIRE(order.lock(8));
    order.jump_to(10);
    order.yield();
    REQUIRE(turn(order) == 0);  // at 91, as the other
    REQUIRE_FALSE(order.lock(8));
    CHECK(order.participants()[0].resume_at == 0);
    REQUIRE(turn(order) == 1);
}

TEST_CASE("order: a mutex that is forgotten is free, and those who wait for it have it") {
    Order order(options);
    CHECK(order.alone());
    order.create();
    CHECK_FALSE(order.alone());
    order.forget(7);
    REQUIRE(order.lock(7));
    order.sleep(1);
    REQUIRE(turn(order) == 1);
    REQUIRE_FALSE(order.lock(7));
    order.jump_to(1);
    REQUIRE(turn(order) == 0);
    order.forget(7);
    CHECK(order.holder(7) == nobody);
    CHECK_FALSE(order.unlock(7));
    order.sleep(2);
    REQUIRE(turn(order) == 1);
    CHECK(order.holder(7) == 1);
    order.jump_to(2);
    order.exit();
    REQUIRE(turn(order) == 0);
    CHECK(order.alone());
}

}  // namespace escapement
