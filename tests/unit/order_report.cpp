// What the never-hang rule says.

#include <escapement/order.hpp>

#include <catch2/catch.hpp>

#include <string>

namespace escapement {
namespace {

const OrderOptions options{.policy = Policy::counted, .quantum = 100, .operation_ns = 10};

void next_turn(Order& order, ParticipantNumber expected) {
    REQUIRE(order.decide().participant == expected);
}

}  // namespace

TEST_CASE("stall report: two mutexes in opposite order") {
    Order order(options);
    order.create();
    order.set_role(1, "rr");
    order.advance(3, 0);
    REQUIRE(order.lock(0xa0));
    order.yield();
    next_turn(order, 1);
    order.advance(5, 0);
    REQUIRE(order.lock(0xb0));
    order.advance(1, 0);
    REQUIRE_FALSE(order.lock(0xa0));
    next_turn(order, 0);
    order.advance(4, 0);
    REQUIRE_FALSE(order.lock(0xb0));
    REQUIRE(order.decide().kind == Decision::Kind::stuck);
    CHECK(order.stall_report() ==
          "  participant 0 'main' waits for mutex 0xb0, held by participant 1 'rr' since clock 5, since its "
          "clock 7"
          "; keeps participant 1 'rr' waiting\n"
          "  participant 1 'rr' waits for mutex 0xa0, held by participant 0 'main' since clock 3, since its "
          "clock 6"
          "; keeps participant 0 'main' waiting\n");
}

TEST_CASE("stall report: each way to wait") {
    Order order(options);
    for (unsigned number = 1; number <= 6; ++number) {
        order.create();
        order.set_role(number, ("w" + std::to_string(number)).c_str());
    }
    REQUIRE(order.lock(0x10));
    REQUIRE_FALSE(order.lock(0x10));
    next_turn(order, 1);
    order.wait(0x20, "condition");
    next_turn(order, 2);
    order.poll("descriptors");
    next_turn(order, 3);
    REQUIRE_FALSE(order.join(1));
    next_turn(order, 4);
    order.leave("read");
    next_turn(order, 5);
    order.sleep(no_deadline);
    next_turn(order, 6);
    REQUIRE(order.lock(0x30));
    order.exit();
    const std::string report = order.stall_report();
    CHECK(
        report ==
        "  participant 0 'main' waits for mutex 0x10, held by itself since clock 0, since its clock 0\n"
        "  participant 1 'w1' waits for condition 0x20, since its clock 0; keeps participant 3 'w3' waiting\n"
        "  participant 2 'w2' polls descriptors, since its clock 0\n"
        "  participant 3 'w3' waits for the end of participant 1 'w1', since its clock 0\n"
        "  participant 4 'w4' is outside: read, since its clock 0\n"
        "  participant 5 'w5' waits for a time, since its clock 0\n");
}

TEST_CASE("stall report: who holds a mutex after it ended is named") {
    Order order(options);
    order.create();
    order.set_role(1, "worker");
    REQUIRE_FALSE(order.join(1));
    next_turn(order, 1);
    REQUIRE(order.lock(0x30));
    order.exit();
    next_turn(order, 0);
    order.release(1);
    REQUIRE_FALSE(order.lock(0x30));
    CHECK(order.stall_report().find("held by participant 1 'worker' since clock 0") != std::string::npos);
}

TEST_CASE("stall report: those who run or could") {
    Order order(options);
    order.create();
    CHECK(order.stall_report() == "  participant 0 'main' runs\n  participant 1 '' could go on\n");
}

TEST_CASE("order: a role that is too long is cut") {
    Order order(options);
    order.set_role(0, "a role of more than twenty-three characters");
    CHECK(std::string(order.participants()[0].role) == "a role of more than twe");
}

}  // namespace escapement
