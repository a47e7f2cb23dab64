// The C interface without an order.

#include <escapement/linked.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

TEST_CASE("linked: who is woken as its time ends holds the mutex also without an order") {
    escapement_options options;
    escapement_options_init(&options);
    options.policy = ESCAPEMENT_FREE;
    escapement_domain* domain = nullptr;
    REQUIRE(escapement_domain_create(&options, &domain) == ESCAPEMENT_OK);
    escapement_mutex* mutex = nullptr;
    escapement_condition* changed = nullptr;
    escapement_mutex_create(domain, nullptr, &mutex);
    escapement_condition_create(domain, nullptr, &changed);
    std::array<escapement_participant*, 4> places{};
    for (escapement_participant*& each : places)
        escapement_admit(domain, "thread", &each);
    std::atomic<int> inside{0};
    std::atomic<int> wrong{0};
    const auto come_in = [&] {
        if (inside++ != 0) ++wrong;
        std::this_thread::yield();
    };
    std::vector<std::thread> threads;
    for (std::size_t me = 0; me < places.size(); ++me) {
        threads.emplace_back([&, me] {
            escapement_enter(places.at(me));
            for (int round = 0; round < 3000 && wrong == 0; ++round) {
                escapement_mutex_lock(mutex);
                come_in();
                if (me < 2) {
                    --inside;
                    escapement_condition_timedwait(changed, mutex, escapement_now() + 5'000);
                    come_in();
                } else {
                    escapement_condition_signal(changed);
                }
                --inside;
                if (escapement_mutex_unlock(mutex) != ESCAPEMENT_OK) ++wrong;
            }
            escapement_leave(places.at(me));
        });
    }
    for (std::thread& each : threads)
        each.join();
    CHECK(wrong == 0);
    escapement_mutex_destroy(mutex);
    escapement_condition_destroy(changed);
    CHECK(escapement_domain_destroy(domain) == ESCAPEMENT_OK);
}
