#pragma once
// What the tests of the C interface begin with.

#include <escapement/linked.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace escapement::linked_tests {

/// A domain, and threads that take part in it.
class Run {
  public:
    explicit Run(int mode, std::uint64_t quantum = 1000, int policy = ESCAPEMENT_COUNTED) {
        escapement_options options;
        escapement_options_init(&options);
        options.policy = policy;
        options.mode = mode;
        options.quantum = quantum;
        options.start_ns = 0;
        options.on_stall = [](void* run, const char* report) { static_cast<Run*>(run)->stall = report; };
        options.on_misuse = [](void* run, const char* /*function*/, int status) {
            static_cast<Run*>(run)->misused = status;
        };
        options.context = this;
        REQUIRE(escapement_domain_create(&options, &domain) == ESCAPEMENT_OK);
        escapement_mutex_create(domain, "first", &first);
        escapement_mutex_create(domain, "second", &second);
        escapement_condition_create(domain, "changed", &changed);
        escapement_semaphore_create(domain, "tokens", 0, &tokens);
        escapement_event_create(domain, "go", 0, &go);
    }
    ~Run() {
        escapement_mutex_destroy(first);
        escapement_mutex_destroy(second);
        escapement_condition_destroy(changed);
        escapement_semaphore_destroy(tokens);
        escapement_event_destroy(go);
        if (domain != nullptr) CHECK(escapement_domain_destroy(domain) == ESCAPEMENT_OK);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    /// Each of `bodies` as a participant; returns when all have left.
    void operator()(const std::vector<std::function<void(escapement_participant*)>>& bodies) {
        places.clear();
        for (std::size_t index = 0; index < bodies.size(); ++index) {
            places.push_back(nullptr);
            CHECK(escapement_admit(domain, ("p" + std::to_string(index)).c_str(), &places.back()) ==
                  ESCAPEMENT_OK);
        }
        std::vector<std::thread> threads;
        for (std::size_t index = 0; index < bodies.size(); ++index) {
            threads.emplace_back([&, index] {
                const int entered = escapement_enter(places[index]);
                if (entered == ESCAPEMENT_OK) bodies[index](places[index]);
                if (escapement_self() != nullptr) escapement_leave(places[index]);
            });
        }
        for (std::thread& each : threads)
            each.join();
    }

    escapement_domain* domain = nullptr;
    escapement_mutex* first = nullptr;
    escapement_mutex* second = nullptr;
    escapement_condition* changed = nullptr;
    escapement_semaphore* tokens = nullptr;
    escapement_event* go = nullptr;
    std::vector<escapement_participant*> places;
    std::string stall;
    int misused = 0;
};

inline int any_mode() {
    return GENERATE(ESCAPEMENT_SERIAL, ESCAPEMENT_PARALLEL);
}

}  // namespace escapement::linked_tests
