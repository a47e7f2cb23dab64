// The C interface without an order.

#include "linked_run.hpp"

#include <catch2/catch.hpp>
#include <escapement.h>

#include <atomic>
#include <functional>
#include <vector>

using namespace escapement::linked_tests;

namespace {

class FreeRun : public Run {
  public:
    FreeRun() : Run(ESCAPEMENT_AUTO, 1000, ESCAPEMENT_FREE) {}
};

}  // namespace

TEST_CASE("linked: without order everything works, too") {
    FreeRun run;
    unsigned turns = 0;
    int timed = 0;
    const auto take_turns = [&](unsigned me) {
        for (unsigned round = 0; round < 200; ++round) {
            escapement_mutex_lock(run.first);
            while (turns % 2 != me)
                escapement_condition_wait(run.changed, run.first);
            ++turns;
            escapement_condition_signal(run.changed);
            escapement_mutex_unlock(run.first);
        }
    };
    run({[&](escapement_participant*) {
             take_turns(0);
             escapement_mutex_lock(run.first);
             timed = escapement_condition_timedwait(run.changed, run.first, escapement_now() + 1'000'000);
             escapement_mutex_unlock(run.first);
             escapement_sleep_until(escapement_now() + 1'000'000);
         },
         [&](escapement_participant*) { take_turns(1); }});
    CHECK(turns == 400);
    CHECK((timed == ESCAPEMENT_TIMED_OUT || timed == ESCAPEMENT_OK));
}

TEST_CASE("linked: who is woken as its time ends holds the mutex also without an order") {
    FreeRun run;
    std::atomic<int> inside{0};
    std::atomic<int> wrong{0};
    const auto come_in = [&] {
        if (inside++ != 0) ++wrong;
        std::this_thread::yield();
    };
    const auto often = [&](const std::function<void()>& do_inside) {
        return [&, do_inside](escapement_participant*) {
            for (int round = 0; round < 3000 && wrong == 0; ++round) {
                escapement_mutex_lock(run.first);
                come_in();
                do_inside();
                --inside;
                if (escapement_mutex_unlock(run.first) != ESCAPEMENT_OK) ++wrong;
            }
        };
    };
    const auto waits = often([&] {
        --inside;
        escapement_condition_timedwait(run.changed, run.first, escapement_now() + 5'000);
        come_in();
    });
    const auto wakes = often([&] { escapement_condition_signal(run.changed); });
    run({waits, waits, wakes, wakes});
    CHECK(wrong == 0);
}
