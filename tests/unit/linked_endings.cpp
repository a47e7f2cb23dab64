// The C interface where a thread ends without having left.

#include "linked_run.hpp"

#include <catch2/catch.hpp>
#include <escapement.h>
#include <pthread.h>

#include <string>
#include <thread>
#include <vector>

using namespace escapement::linked_tests;

TEST_CASE("linked: a thread that ends without leaving is named, and nobody waits for it for ever") {
    Run run(any_mode(), 10'000);
    const bool holds = GENERATE(false, true);
    const bool cancelled = GENERATE(false, true);
    CAPTURE(holds, cancelled);
    std::vector<escapement_participant*> places(3);
    const char* const roles[] = {"main", "cpu", "disk"};
    for (std::size_t index = 0; index < places.size(); ++index)
        REQUIRE(escapement_admit(run.domain, roles[index], &places[index]) == ESCAPEMENT_OK);
    std::vector<int> found(3);
    std::thread threads[] = {std::thread([&] {
                                 escapement_enter(places[0]);
                                 found[0] = escapement_join(places[1]);
                                 escapement_leave(places[0]);
                             }),
                             std::thread([&] {
                                 escapement_enter(places[1]);
                                 escapement_advance(17);
                                 if (holds) escapement_mutex_lock(run.first);
                                 if (cancelled) pthread_exit(nullptr);
                             }),
                             std::thread([&] {
                                 escapement_enter(places[2]);
                                 escapement_advance(100);
                                 found[2] = escapement_semaphore_acquire(run.tokens);
                                 escapement_leave(places[2]);
                             })};
    for (std::thread& each : threads)
        each.join();
    CHECK(found == std::vector<int>{ESCAPEMENT_STALLED, 0, ESCAPEMENT_STALLED});
    CHECK_THAT(run.stall, Catch::StartsWith("escapement: the thread of participant 1 'cpu' ended without "
                                            "escapement_leave, at clock " +
                                            std::string(holds ? "18, holding 1 mutex" : "17")));
}

TEST_CASE("linked: a thread's own objects may leave at its end") {
    Run run(any_mode());
    static escapement_participant* place = nullptr;
    REQUIRE(escapement_admit(run.domain, "late", &place) == ESCAPEMENT_OK);
    std::thread([&] {
        struct Leaver {
            ~Leaver() { escapement_leave(place); }
            void* use() { return this; }
        };
        thread_local Leaver leaver;
        REQUIRE(leaver.use() != nullptr);
        escapement_enter(place);
    }).join();
    CHECK(run.stall.empty());
}
