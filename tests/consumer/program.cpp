// The same as program.c by the C++ interface, and a header that needs tl::expected.
#include <escapement/linked.hpp>
#include <escapement/profile.hpp>

#include <cstdio>
#include <functional>
#include <mutex>
#include <thread>

namespace linked = escapement::linked;

int main() {
    const auto profile = escapement::read_profile("{", "a profile");
    if (profile) return 1;

    linked::Domain domain;
    const linked::Place slow = domain.admit("slow");
    const linked::Place quick = domain.admit("quick");
    linked::Mutex machine(domain, "machine");
    const auto work = [&machine](const linked::Place& place, const char* name, std::uint64_t step) {
        const linked::Participant me(place);
        for (int round = 0; round < 3; ++round) {
            (void)linked::advance(step);
            const std::scoped_lock guard(machine);
            std::printf("%s %llu\n", name, static_cast<unsigned long long>(linked::clock()));
        }
    };
    std::thread one(work, std::cref(slow), "slow", 500);
    std::thread two(work, std::cref(quick), "quick", 200);
    one.join();
    two.join();
}
