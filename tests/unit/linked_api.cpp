// The C interface: misuse, and what each operation does, in every mode. What many threads do at random is in
// tests/property.

#include "linked_run.hpp"

#include <escapement/linked.hpp>

#include <catch2/catch.hpp>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

extern "C" std::uint64_t escapement_test_c_example(int mode);

using namespace escapement::linked_tests;

TEST_CASE("linked: the example in C comes out the same every time") {
    const int mode = any_mode();
    const std::uint64_t clock = escapement_test_c_example(mode);
    CHECK(clock > 100000);
    CHECK(escapement_test_c_example(mode) == clock);
}

TEST_CASE("linked: every status has words of its own") {
    std::set<std::string> words{escapement_message(-1)};
    const auto is_new = [&](int status) { return words.insert(escapement_message(status)).second; };
    for (int status = ESCAPEMENT_OK; status <= ESCAPEMENT_BUSY; ++status)
        CHECK(is_new(status));
    for (int status = ESCAPEMENT_ERRORS; status <= ESCAPEMENT_DIVERGED; ++status)
        CHECK(is_new(status));
    CHECK_FALSE(is_new(ESCAPEMENT_DIVERGED + 1));
}

TEST_CASE("linked: misuse names the rule, and does nothing") {
    Run run(any_mode());
    Run other(ESCAPEMENT_PARALLEL);
    CHECK(escapement_mutex_lock(run.first) == ESCAPEMENT_NOT_A_PARTICIPANT);
    CHECK(run.misused == ESCAPEMENT_NOT_A_PARTICIPANT);
    CHECK(std::string(escapement_message(ESCAPEMENT_NOT_A_PARTICIPANT)).find("escapement_enter") !=
          std::string::npos);
    std::vector<int> found;
    std::vector<int> others;
    run({[&](escapement_participant* me) {
             found.push_back(escapement_mutex_unlock(run.first));
             found.push_back(escapement_condition_wait(run.changed, run.first));
             escapement_mutex_lock(run.first);
             found.push_back(escapement_mutex_lock(run.first));
             found.push_back(escapement_leave(me));
             found.push_back(escapement_mutex_destroy(run.first));
             escapement_mutex_unlock(run.first);
             escapement_report(50);
             found.push_back(escapement_report(49));
             escapement_promise(10);
             found.push_back(escapement_mutex_lock(run.first));
             escapement_advance(10);
             found.push_back(escapement_mutex_lock(other.first));
             found.push_back(escapement_post(
                 run.places[1], escapement_clock() + 1999, [](void*) {}, nullptr));
             found.push_back(escapement_enter(me));
             found.push_back(escapement_domain_close(run.domain));
             std::thread([&] { others.push_back(escapement_leave(me)); }).join();
             std::thread([&] {
                 escapement_participant* made = nullptr;
                 others.push_back(escapement_admit(run.domain, "stranger", &made));
             }).join();
             escapement_semaphore_release(run.tokens, 1);
         },
         [&](escapement_participant*) { escapement_semaphore_acquire(run.tokens); }});
    CHECK(found == std::vector<int>{ESCAPEMENT_NOT_HELD, ESCAPEMENT_NOT_HELD, ESCAPEMENT_HELD_ALREADY,
                                    ESCAPEMENT_STILL_HOLDING, ESCAPEMENT_IN_USE, ESCAPEMENT_CLOCK_BACK,
                                    ESCAPEMENT_PROMISED, ESCAPEMENT_OTHER_DOMAIN, ESCAPEMENT_TOO_SOON,
                                    ESCAPEMENT_ENTERED_ALREADY, ESCAPEMENT_IN_USE});
    CHECK(others == std::vector<int>{ESCAPEMENT_WRONG_THREAD, ESCAPEMENT_OUTSIDER});
    CHECK(escapement_enter(run.places[0]) == ESCAPEMENT_HAS_LEFT);
    CHECK(escapement_domain_close(run.domain) == ESCAPEMENT_OK);
    CHECK(escapement_mutex_lock(run.first) == ESCAPEMENT_CLOSED);
}

TEST_CASE("linked: time is the clock's, and deadlines come at once where nobody does anything") {
    Run run(any_mode(), 100);
    std::vector<int> found;
    std::int64_t slept = 0;
    std::int64_t waited = 0;
    run({[&](escapement_participant*) {
        escapement_sleep_until(1'000'000'000'000);
        slept = escapement_now();
        escapement_mutex_lock(run.first);
        found.push_back(escapement_condition_timedwait(run.changed, run.first, slept + 5'000'000));
        waited = escapement_now();
        escapement_mutex_unlock(run.first);
        found.push_back(escapement_semaphore_timedacquire(run.tokens, waited + 10));
        found.push_back(escapement_event_timedwait(run.go, waited + 1000));
        found.push_back(escapement_semaphore_tryacquire(run.tokens));
        escapement_event_set(run.go);
        found.push_back(escapement_event_wait(run.go));
    }});
    CHECK(found == std::vector<int>{ESCAPEMENT_TIMED_OUT, ESCAPEMENT_TIMED_OUT, ESCAPEMENT_TIMED_OUT,
                                    ESCAPEMENT_BUSY, ESCAPEMENT_OK});
    CHECK(slept >= 1'000'000'000'000);
    CHECK(slept < 1'000'000'001'000);
    CHECK(waited >= slept + 5'000'000);
}

TEST_CASE("linked: a domain tells its mode, what it has counted, and who waits for what") {
    const int mode = any_mode();
    Run run(mode);
    CHECK(escapement_domain_mode(run.domain) == mode);
    char whole[1024] = "";
    char cut[8] = "";
    std::vector<int> found;
    run({[&](escapement_participant*) {
             escapement_advance(1500);
             escapement_mutex_lock(run.first);
             escapement_condition_broadcast(run.changed);
             escapement_advance(1500);
             escapement_event_set(run.go);  // comes after what the other has done by then
             found.push_back(escapement_domain_describe(run.domain, whole, sizeof whole));
             found.push_back(escapement_domain_describe(run.domain, cut, sizeof cut));
             found.push_back(escapement_domain_describe(run.domain, cut, 0));
             escapement_mutex_unlock(run.first);
         },
         [&](escapement_participant*) {
             escapement_mutex_lock(run.first);
             escapement_condition_wait(run.changed, run.first);
             escapement_mutex_unlock(run.first);
         }});
    CHECK(found == std::vector<int>{ESCAPEMENT_OK, ESCAPEMENT_OK, ESCAPEMENT_INVALID});
    const std::string report = whole;
    INFO(report);
    CHECK(report.find("'p1' waits for mutex 'first'") != std::string::npos);
    CHECK(cut == report.substr(0, sizeof cut - 1));

    escapement_statistics statistics{};
    CHECK(escapement_domain_statistics(run.domain, &statistics) == ESCAPEMENT_INVALID);
    statistics.size = sizeof statistics;
    REQUIRE(escapement_domain_statistics(run.domain, &statistics) == ESCAPEMENT_OK);
    CHECK(statistics.operations >= 5);
}

TEST_CASE("linked: a deadlock is told, and ends all waiting") {
    Run run(any_mode());
    std::vector<int> found(3);
    run({[&](escapement_participant*) {
             escapement_mutex_lock(run.first);
             escapement_advance(1500);
             found[0] = escapement_mutex_lock(run.second);
         },
         [&](escapement_participant*) {
             escapement_mutex_lock(run.second);
             escapement_advance(1500);
             found[1] = escapement_mutex_lock(run.first);
         },
         [&](escapement_participant*) { found[2] = escapement_semaphore_acquire(run.tokens); }});
    CHECK(found == std::vector<int>{ESCAPEMENT_STALLED, ESCAPEMENT_STALLED, ESCAPEMENT_STALLED});
    CHECK(run.stall.find("participant 0 'p0' waits for mutex 'second'") != std::string::npos);
    CHECK(run.stall.find("held by participant 1 'p1' since clock") != std::string::npos);
    CHECK(run.stall.find("participant 2 'p2' waits for semaphore 'tokens'") != std::string::npos);
}

TEST_CASE("linked: what is posted runs at exactly its clock") {
    Run run(any_mode(), 100);
    struct Seen {
        std::uint64_t clock = 0;
        unsigned number = 9;
    } seen;
    std::uint64_t at = 0;
    run({[&](escapement_participant*) {
             at = escapement_clock() + 238;
             escapement_post(
                 run.places[1], at,
                 [](void* to) {
                     *static_cast<Seen*>(to) = {escapement_clock(), escapement_number(escapement_self())};
                 },
                 &seen);
         },
         [&](escapement_participant*) {
             while (escapement_clock() < 1000)
                 escapement_advance(escapement_budget());
         }});
    CHECK(seen.clock == at);
    CHECK(seen.number == 1);
}

TEST_CASE("linked: polls find what comes from outside, and time out in virtual time") {
    Run run(any_mode(), 100);
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0);
    std::vector<int> found;
    std::string input;
    run({[&](escapement_participant*) {
             pollfd in{.fd = pipe_ends[0], .events = POLLIN, .revents = 0};
             int ready = 0;
             found.push_back(escapement_poll(&in, 1, 0, &ready));
             found.push_back(escapement_poll(&in, 1, 1000, &ready));
             found.push_back(escapement_poll(&in, 1, -1, &ready));
             found.push_back(ready);
             char buffer[8] = {};
             std::int64_t result = 0;
             escapement_input(
                 "pipe", buffer, sizeof buffer,
                 [](void* ends, void* to, std::size_t size) {
                     return static_cast<std::int64_t>(read(static_cast<int*>(ends)[0], to, size));
                 },
                 pipe_ends, &result);
             input.assign(buffer, static_cast<std::size_t>(result));
             escapement_event_set(run.go);
         },
         [&](escapement_participant*) {
             escapement_advance(5000);
             escapement_sleep_until(escapement_now() + 100'000);
             REQUIRE(write(pipe_ends[1], "hello", 5) == 5);
             escapement_event_wait(run.go);
         }});
    CHECK(found == std::vector<int>{ESCAPEMENT_TIMED_OUT, ESCAPEMENT_TIMED_OUT, ESCAPEMENT_OK, 1});
    CHECK(input == "hello");
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

TEST_CASE("linked: in mode serial, idle time is jumped over where only the program itself can end it") {
    Run run(ESCAPEMENT_SERIAL, 100);
    const int bell = eventfd(0, EFD_CLOEXEC);
    REQUIRE(bell >= 0);
    std::vector<int> found;
    run({[&](escapement_participant*) {
             constexpr std::int64_t day = 86'400'000'000'000;
             pollfd in{.fd = bell, .events = POLLIN, .revents = 0};
             int ready = 0;
             found.push_back(escapement_poll(&in, 1, day, &ready));  // or this test takes that long
             found.push_back(escapement_poll(&in, 1, 3 * day, &ready));
             found.push_back(ready);
         },
         [&](escapement_participant*) {
             escapement_sleep_until(2 * 86'400'000'000'000);
             const std::uint64_t one = 1;
             REQUIRE(write(bell, &one, sizeof one) == sizeof one);
         }});
    CHECK(found == std::vector<int>{ESCAPEMENT_TIMED_OUT, ESCAPEMENT_OK, 1});
    close(bell);
}

TEST_CASE("linked: participants are admitted by others, and numbers of those joined are given again") {
    Run run(any_mode());
    std::vector<unsigned> numbers;
    std::uint64_t sum = 0;
    run({[&](escapement_participant*) {
        for (unsigned round = 0; round < 3; ++round) {
            escapement_participant* child = nullptr;
            escapement_admit(run.domain, "child", &child);
            numbers.push_back(escapement_number(child));
            std::thread thread([&run, &sum, child] {
                escapement_enter(child);
                escapement_advance(10'000);
                escapement_mutex_lock(run.first);
                ++sum;
                escapement_mutex_unlock(run.first);
                escapement_leave(child);
            });
            escapement_join(child);
            thread.join();
        }
        escapement_participant* unborn = nullptr;
        escapement_admit(run.domain, "unborn", &unborn);
        escapement_leave(unborn);
    }});
    CHECK(numbers == std::vector<unsigned>{1, 1, 1});
    CHECK(sum == 3);
}

TEST_CASE("linked: two domains in one process do not know of each other") {
    Run one(ESCAPEMENT_PARALLEL);
    Run other(ESCAPEMENT_SERIAL);
    std::uint64_t clocks[2] = {};
    std::thread second([&] {
        other({[&](escapement_participant*) {
            escapement_advance(3);
            escapement_event_set(other.go);
            clocks[1] = escapement_clock();
        }});
    });
    one({[&](escapement_participant*) {
        second.join();  // while this participant's clock stands still
        escapement_event_set(one.go);
        clocks[0] = escapement_clock();
    }});
    CHECK(clocks[0] == 1);
    CHECK(clocks[1] == 4);
}

TEST_CASE("linked: the standard's locks fit the mutex, and conditions keep their habits") {
    namespace linked = escapement::linked;
    linked::Domain domain(
        {.mode = any_mode() == ESCAPEMENT_SERIAL ? ESCAPEMENT_SERIAL : ESCAPEMENT_PARALLEL, .quantum = 1000});
    REQUIRE(domain.status());
    const linked::Place main_loop = domain.admit("main");
    const linked::Place cpu = domain.admit("cpu");
    linked::Mutex first(domain, "first");
    linked::Mutex second(domain);
    linked::Condition changed(domain);
    unsigned value = 0;
    std::thread thread([&] {
        const linked::Participant me(cpu);
        for (unsigned round = 0; round < 10; ++round) {
            (void)linked::advance(linked::budget());
            const std::scoped_lock guard(first, second);
            ++value;
            changed.notify_all();
        }
    });
    {
        const linked::Participant me(main_loop);
        std::unique_lock lock(first);
        CHECK(changed.wait(lock, [&] { return value == 10; }));
        CHECK(changed.wait_until(lock, linked::now() + 1000, [] { return false; }).timed_out());
        lock.unlock();
        CHECK(me.join(cpu));
        CHECK(first.release().code() == ESCAPEMENT_NOT_HELD);
    }
    thread.join();
    CHECK(value == 10);
}
