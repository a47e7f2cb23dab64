// What it costs to hand a turn from one thread to another: by parking, by a domain that decides who goes
// next, by a condition variable, and by pthread mutexes alone; on one core, and from core to core. One
// iteration is one turn.

#include "handoffs.hpp"
#include "table.hpp"

#include <escapement/placement.hpp>

#include <sched.h>

#include <atomic>
#include <thread>

namespace {

void bind_to(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

template <typename Handoff>
void hand_to_and_fro(benchmark::State& state, unsigned mine, unsigned others) {
    Handoff handoff;
    std::atomic<bool> over{false};
    std::thread other([&] {
        bind_to(others);
        handoff.begin(1);
        while (!over.load(std::memory_order_relaxed))
            handoff.pass(1);
        handoff.leave(1);
    });
    bind_to(mine);
    handoff.begin(0);
    handoff.pass(0);  // the other runs by now
    while (state.KeepRunningBatch(2))
        handoff.pass(0);
    over.store(true, std::memory_order_relaxed);
    handoff.pass(0);
    handoff.leave(0);
    other.join();
}

void add(const std::string& where, unsigned mine, unsigned others, std::vector<bench::Ratio>& ratios) {
    const auto add_one = [&](const std::string& way, auto* function) {
        benchmark::RegisterBenchmark((way + ", " + where).c_str(), function, mine, others)->UseRealTime();
    };
    add_one("parking", hand_to_and_fro<bench::ByParking>);
    add_one("domain", hand_to_and_fro<bench::ByDomain>);
    add_one("condition variable", hand_to_and_fro<bench::ByCondition>);
    add_one("mutexes", hand_to_and_fro<bench::ByMutexes>);
    for (const char* const way : {"parking", "domain"}) {
        for (const char* const against : {"mutexes", "condition variable"}) {
            ratios.push_back({.text = std::string("a turn by ") + way + " against " + against + ", " + where,
                              .this_one = way + (", " + where),
                              .against = against + (", " + where)});
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const auto allowed = escapement::allowed_cpus();
    const auto one = allowed.and_then([](const auto& cpus) { return escapement::choose_serial(cpus); });
    const auto two = allowed.and_then([](const auto& cpus) { return escapement::choose_parallel(2, cpus); });
    std::vector<bench::Ratio> ratios;
    if (one) {
        std::printf("one core: CPU %s (%s)\n", escapement::format_cpus(one->cpus).c_str(),
                    one->reason.c_str());
        add("one core", *one->cpus.begin(), *one->cpus.begin(), ratios);
    } else {
        bench::skip("turns on one core", one.error());
    }
    if (two && two->cpus.size() == 2) {
        std::printf("two cores: CPUs %s (%s)\n", escapement::format_cpus(two->cpus).c_str(),
                    two->reason.c_str());
        add("two cores", *two->cpus.begin(), *two->cpus.rbegin(), ratios);
    } else {
        bench::skip("turns from core to core", two ? two->reason : two.error());
    }
    return bench::run(argc, argv, ratios);
}
