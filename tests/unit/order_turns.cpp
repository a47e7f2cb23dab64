// Who has the turn, and for how long.

#include <escapement/order.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace escapement {
namespace {

OrderOptions counted(Count quantum) {
    return {.policy = Policy::counted, .quantum = quantum, .operation_ns = 10};
}

OrderOptions ticktock() {
    return {.policy = Policy::ticktock, .quantum = 1000, .operation_ns = 10};
}

ParticipantNumber turn(Order& order) {
    const Decision decision = order.decide();
    REQUIRE(decision.kind == Decision::Kind::turn);
    REQUIRE(order.current() == decision.participant);
    REQUIRE(order.participants()[decision.participant].state == State::running);
    return decision.participant;
}

Count clock_of(const Order& order, ParticipantNumber number) {
    return order.participants()[number].clock;
}

}  // namespace

TEST_CASE("order: begins with one participant, who has the turn") {
    const Order order(counted(5));
    CHECK(order.current() == 0);
    CHECK(order.participants().size() == 1);
    CHECK(std::string(order.participants()[0].role) == "main");
    CHECK(order.now() == 0);
    CHECK_FALSE(order.due());
    CHECK_FALSE(order.others_want_the_turn());
    CHECK(order.statistics().switches == 0);
}

TEST_CASE("order: options that make no sense are put right") {
    Order order({.quantum = 0, .operation_ns = 0});
    CHECK(order.options().quantum == 1);
    CHECK(order.options().operation_ns == 1);
    order.operation();
    CHECK(order.now() == 1);
    CHECK(order.due());
}

TEST_CASE("order: an operation counts one and takes its time, progress what it is told") {
    Order order(counted(100));
    order.operation();
    CHECK(clock_of(order, 0) == 1);
    CHECK(order.now() == 10);
    order.advance(7, 3);
    CHECK(clock_of(order, 0) == 8);
    CHECK(order.now() == 13);
    CHECK(order.statistics().operations == 1);
}

TEST_CASE("order, counted: a turn lasts a quantum, and the first is no shorter") {
    Order order(counted(5));
    REQUIRE(order.create() == 1);
    for (Count count = 1; count <= 5; ++count) {
        CHECK_FALSE(order.due());
        order.operation();
    }
    CHECK(order.due());
    order.yield();
    CHECK(order.statistics().boundaries == 1);
    CHECK(turn(order) == 1);
    for (Count count = 1; count <= 5; ++count) {
        CHECK_FALSE(order.due());
        order.operation();
    }
    CHECK(order.due());
    CHECK(order.statistics().switches == 1);
}

TEST_CASE("order, counted: the least clock goes first, then the least number") {
    Order order(counted(10));
    order.create();
    order.create();
    order.advance(10, 0);
    order.yield();
    CHECK(turn(order) == 1);  // 10, 0, 0
    order.advance(30, 0);
    order.yield();
    CHECK(turn(order) == 2);  // 10, 30, 0
    order.advance(10, 0);
    order.yield();
    CHECK(turn(order) == 0);  // 10, 30, 10
    order.advance(21, 0);
    order.yield();
    CHECK(turn(order) == 2);  // 31, 30, 10
    order.advance(20, 0);
    order.yield();
    CHECK(turn(order) == 1);  // 31, 30, 30
}

TEST_CASE("order, counted: a turn that comes back keeps its boundary until that is passed") {
    Order order(counted(10));
    order.advance(4, 0);
    order.sleep(100);
    order.jump_to(100);
    CHECK(turn(order) == 0);
    order.advance(5, 0);
    CHECK_FALSE(order.due());
    order.advance(1, 0);
    CHECK(order.due());
    order.yield();
    CHECK(turn(order) == 0);
    CHECK_FALSE(order.due());
    CHECK(order.participants()[0].boundary == 20);
}

TEST_CASE("order, counted: who had to wait for the turn has it for a whole quantum") {
    Order order(counted(10));
    order.create();
    order.advance(4, 0);
    order.sleep(100);
    REQUIRE(turn(order) == 1);
    order.sleep(200);
    order.jump_to(100);
    REQUIRE(turn(order) == 0);
    order.advance(9, 0);
    CHECK_FALSE(order.due());
    order.advance(1, 0);
    CHECK(order.due());
}

TEST_CASE("order, counted: a boundary passed while nobody else could go is made up for") {
    Order order(counted(10));
    order.create();
    REQUIRE(order.lock(7));
    order.advance(10, 0);
    order.yield();
    REQUIRE(turn(order) == 1);
    order.operation();
    REQUIRE_FALSE(order.lock(7));
    REQUIRE(turn(order) == 0);
    order.advance(10, 0);
    REQUIRE(order.due());
    order.yield();
    REQUIRE(turn(order) == 0);  // holds what the other waits for
    CHECK_FALSE(order.due());
    CHECK(order.unlock(7));
    CHECK(order.due());
    order.yield();
    CHECK(turn(order) == 1);
    CHECK(order.holder(7) == 1);
}

TEST_CASE("order, counted: a boundary passed alone is made up for when another wakes") {
    const bool passed = GENERATE(true, false);
    Order order(counted(10));
    order.create();
    order.wait(5, "thing");
    REQUIRE(turn(order) == 1);
    order.advance(passed ? 10 : 9, 0);
    order.yield();
    REQUIRE(turn(order) == 1);
    CHECK_FALSE(order.due());
    CHECK(order.wake(5, 1) == 1);
    CHECK(order.due() == passed);
}

TEST_CASE("order, counted: who passed one that waits for its mutex by a quantum hands the turn on") {
    for (const Count held : {9U, 10U}) {
        Order order(counted(10));
        order.create();
        REQUIRE(order.lock(7));
        order.sleep(1);
        REQUIRE(turn(order) == 1);
        REQUIRE_FALSE(order.lock(7));  // at clock 0
        order.jump_to(1);
        REQUIRE(turn(order) == 0);
        order.advance(held, 0);
        CHECK(order.unlock(7));
        CHECK(order.due() == (held == 10));
    }
}

TEST_CASE(
    "order, counted: a new participant, one that is joined, and one that is woken go on with later clocks") {
    Order order(counted(100));
    order.advance(5, 0);
    const ParticipantNumber worker = order.create();
    CHECK(clock_of(order, worker) == 5);
    order.advance(20, 0);
    REQUIRE_FALSE(order.join(worker));
    REQUIRE(turn(order) == worker);
    order.advance(50, 0);
    order.exit();
    REQUIRE(turn(order) == 0);
    CHECK(clock_of(order, 0) == 56);
    CHECK(order.join(worker));
    CHECK(clock_of(order, 0) == 56);
}

TEST_CASE("order: a join of one who ended does not wait") {
    Order order(counted(100));
    const ParticipantNumber worker = order.create();
    order.yield();
    REQUIRE(turn(order) == 0);
    order.advance(3, 0);
    order.sleep(7);
    REQUIRE(turn(order) == worker);
    order.advance(30, 0);
    order.exit();
    CHECK(order.decide().deadline == 7);
    order.jump_to(7);
    REQUIRE(turn(order) == 0);
    CHECK(order.join(worker));
    CHECK(clock_of(order, 0) == 31);
}

TEST_CASE("order: a join has a deadline") {
    Order order(counted(100));
    const ParticipantNumber worker = order.create();
    REQUIRE_FALSE(order.join(worker, 50));
    REQUIRE(turn(order) == worker);
    order.advance(5, 60);
    order.yield();
    // The one who joins did not get what it waited for; the worker has a clock that is not less.
    CHECK(turn(order) == 0);
    CHECK(order.wakeup(0) == Wakeup::timed_out);
}

TEST_CASE("order: numbers are given again, but not those of who ended with a mutex held") {
    Order order(counted(100));
    const ParticipantNumber first = order.create();
    const ParticipantNumber second = order.create();
    order.sleep(1);
    REQUIRE(turn(order) == first);
    order.exit();
    REQUIRE(turn(order) == second);
    REQUIRE(order.lock(7));
    order.exit();
    order.jump_to(1);
    REQUIRE(turn(order) == 0);
    CHECK(order.create() == 3);
    order.release(second);
    CHECK(order.create() == 4);
    order.release(first);
    CHECK(order.create() == first);
    CHECK(order.holder(7) == second);
    order.release(first);  // could not begin
    CHECK(order.create() == first);
}

TEST_CASE("order, ticktock: every operation hands the turn to the next number") {
    Order order(ticktock());
    CHECK_FALSE(order.due());  // alone
    order.create();
    order.create();
    std::vector<ParticipantNumber> turns;
    for (unsigned round = 0; round < 6; ++round) {
        order.operation();
        REQUIRE(order.due());
        order.yield();
        turns.push_back(turn(order));
    }
    CHECK(turns == std::vector<ParticipantNumber>{1, 2, 0, 1, 2, 0});
    REQUIRE(order.lock(7));
    order.yield();
    REQUIRE(turn(order) == 1);
    REQUIRE_FALSE(order.lock(7));
    REQUIRE(turn(order) == 2);
    order.yield();
    CHECK(turn(order) == 0);  // 1 cannot
}

TEST_CASE("order, counted: who gives way goes after all others, once") {
    Order order(counted(100));
    order.create();
    order.create();
    order.give_way();
    CHECK(turn(order) == 1);
    order.advance(5, 0);
    order.give_way();
    CHECK(turn(order) == 0);  // 0, 5, 0: another had the turn, and 0 may go first again
    order.advance(1, 0);
    order.give_way();
    CHECK(turn(order) == 2);  // 1, 5, 0
    order.advance(10, 0);
    order.yield();
    CHECK(turn(order) == 0);  // 1, 5, 10
    order.give_way();
    CHECK(turn(order) == 1);  // the least clock is that of who gives way
    CHECK(order.statistics().boundaries == 0);
}

TEST_CASE("order: a poll may be sent back early for one who gives way") {
    const OrderOptions options = GENERATE(counted(100), ticktock());
    Order order(options);
    order.create();
    order.set_returns_early(0, true);
    order.poll("descriptors");
    REQUIRE(turn(order) == 1);
    order.give_way();
    CHECK(order.polls_due());
    CHECK(turn(order) == 0);
    CHECK(order.wakeup(0) == Wakeup::early);
    CHECK(order.statistics().switches == 2);
    order.set_returns_early(0, false);
    order.poll("descriptors");
    REQUIRE(turn(order) == 1);
    order.give_way();
    CHECK(turn(order) == 1);
}

TEST_CASE("order: others want the turn if they can go on or wait for a time") {
    Order order(counted(100));
    order.create();
    CHECK(order.others_want_the_turn());
    order.sleep(1000);
    REQUIRE(turn(order) == 1);
    CHECK(order.others_want_the_turn());
    order.jump_to(1000);
    order.yield();
    REQUIRE(turn(order) == 0);
    order.poll("descriptors");
    REQUIRE(turn(order) == 1);
    CHECK_FALSE(order.others_want_the_turn());
    order.exit();
    order.poll_ready(0);
    REQUIRE(turn(order) == 0);
    CHECK_FALSE(order.others_want_the_turn());
}

TEST_CASE("order: a child process keeps the caller alone, with its clock and its mutexes") {
    Order order(counted(100));
    order.create();
    order.create();
    REQUIRE(order.lock(1));
    order.sleep(1000);
    REQUIRE(turn(order) == 1);
    order.advance(4, 0);
    REQUIRE(order.lock(2));
    order.after_fork();
    CHECK(order.current() == 1);
    CHECK(clock_of(order, 1) == 4);
    CHECK(order.holder(1) == nobody);
    CHECK(order.holder(2) == 1);
    CHECK_FALSE(order.others_want_the_turn());
    CHECK(order.create() == 0);
    order.release(ParticipantNumber{0});
    order.wait(3, "condition");
    const Decision decision = order.decide();
    CHECK(decision.kind == Decision::Kind::stuck);
    CHECK(decision.deadline == no_deadline);
}

}  // namespace escapement
