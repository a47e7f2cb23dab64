// What it costs to keep order among threads that run at once (include/escapement.h), against threads without
// order, one at a time, and in strict alternation. Prints; asserts nothing.
//
//     bench_parallel [ROUNDS] [MILLISECONDS]       (5 rounds of each way, about 40 ms of work each)
//
// Each participant does `work` (a loop of so many counts, one count about a nanosecond), of random length
// around a mean, and locks and unlocks a mutex. Work is promised before it is done: its length is known then,
// as that of a translated block is; "in slices" reports it in 16 parts instead and promises nothing.

#include <escapement.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) {
    return std::chrono::duration<double>(Clock::now() - begun).count();
}

/// About `counts` times the time of one dependent multiplication.
[[gnu::noinline]] std::uint64_t work(std::uint64_t counts) {
    std::uint64_t value = counts;
    for (std::uint64_t index = 0; index < counts; ++index) {
        value = value * 6364136223846793005U + 1442695040888963407U;
        asm volatile("" : "+r"(value));
    }
    return value;
}

std::uint64_t counts_per_microsecond() {
    std::vector<double> found;
    for (unsigned round = 0; round < 5; ++round) {
        const auto begun = Clock::now();
        work(2'000'000);
        found.push_back(2.0 / seconds_since(begun));
    }
    std::sort(found.begin(), found.end());
    return static_cast<std::uint64_t>(found[2]);
}

struct Load {
    unsigned threads = 2;
    std::uint64_t mean = 0;        ///< counts of work of the slowest participant
    std::uint64_t ratio = 1;       ///< the others lock so many times as often, with so much less work between
    bool shared = false;           ///< one lock for all
    std::uint64_t operations = 0;  ///< of the slowest
    bool slices = false;
    bool alternates = false;  ///< all do the same number of operations
    bool recorded = false;    ///< to a journal in the temporary directory
};

/// The lengths that participant `me` works; the same for every way.
std::vector<std::uint64_t> lengths(const Load& load, unsigned me) {
    std::minstd_rand random(me + 1);
    const std::uint64_t ratio = me == 0 ? 1 : load.ratio;
    const std::uint64_t mean = load.mean / ratio;
    std::vector<std::uint64_t> all(load.operations * (load.alternates ? 1 : ratio));
    for (std::uint64_t& each : all)
        each = mean / 2 + random() % (mean + 1);
    return all;
}

double run_threads(unsigned count, const std::function<void(unsigned)>& body) {
    std::vector<std::thread> threads;
    const auto begun = Clock::now();
    for (unsigned me = 0; me < count; ++me)
        threads.emplace_back(body, me);
    for (std::thread& each : threads)
        each.join();
    return seconds_since(begun);
}

double by_pthreads(const Load& load) {
    std::vector<std::vector<std::uint64_t>> all;
    for (unsigned me = 0; me < load.threads; ++me)
        all.push_back(lengths(load, me));
    struct alignas(64) Lock {
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    };
    std::vector<Lock> locks(load.threads);
    return run_threads(load.threads, [&](unsigned me) {
        pthread_mutex_t* const mutex = &locks[load.shared ? 0 : me].mutex;
        for (const std::uint64_t length : all[me]) {
            work(length);
            pthread_mutex_lock(mutex);
            pthread_mutex_unlock(mutex);
        }
    });
}

double by_domain(const Load& load, int mode, std::uint64_t quantum = 0,
                 escapement_statistics* statistics = nullptr) {
    escapement_options options;
    escapement_options_init(&options);
    options.mode = mode;
    options.quantum = quantum;
    const std::string journal =
        std::filesystem::temp_directory_path() / ("bench_parallel." + std::to_string(getpid()) + ".journal");
    if (load.recorded) options.record = journal.c_str();
    escapement_domain* domain = nullptr;
    if (const int status = escapement_domain_create(&options, &domain); status != ESCAPEMENT_OK) {
        std::fprintf(stderr, "bench_parallel: %s\n", escapement_message(status));
        std::exit(1);
    }
    std::vector<std::vector<std::uint64_t>> all;
    std::vector<escapement_participant*> places(load.threads);
    std::vector<escapement_mutex*> locks(load.threads);
    for (unsigned me = 0; me < load.threads; ++me) {
        all.push_back(lengths(load, me));
        escapement_admit(domain, "bench", &places[me]);
        escapement_mutex_create(domain, nullptr, &locks[me]);
    }
    const double taken = run_threads(load.threads, [&](unsigned me) {
        escapement_enter(places[me]);
        escapement_mutex* const mutex = locks[load.shared ? 0 : me];
        for (const std::uint64_t length : all[me]) {
            if (load.slices) {
                for (unsigned slice = 0; slice < 16; ++slice) {
                    work(length / 16);
                    escapement_advance(length / 16);
                }
            } else {
                escapement_promise(length);
                work(length);
                escapement_advance(length);
            }
            escapement_mutex_lock(mutex);
            escapement_mutex_unlock(mutex);
        }
        escapement_leave(places[me]);
    });
    if (std::getenv("ESCAPEMENT_BENCH_STATISTICS") != nullptr) {
        escapement_statistics s{};
        s.size = sizeof s;
        escapement_domain_statistics(domain, &s);
        std::printf("  operations %llu, waits %llu, sleeps %llu, boundaries %llu, held back %llu\n",
                    static_cast<unsigned long long>(s.operations), static_cast<unsigned long long>(s.waits),
                    static_cast<unsigned long long>(s.sleeps), static_cast<unsigned long long>(s.boundaries),
                    static_cast<unsigned long long>(s.held_back));
    }
    if (statistics != nullptr) {
        statistics->size = sizeof *statistics;
        escapement_domain_statistics(domain, statistics);
    }
    for (escapement_mutex* each : locks)
        escapement_mutex_destroy(each);
    escapement_domain_destroy(domain);
    if (load.recorded) std::filesystem::remove(journal);
    return taken;
}

/// Of 1,000 waits for a turn in which the other side is at most 1,000 counts behind, those that went to
/// sleep. With locks of their own, which are reserved, what is waited for is a round, however far behind the
/// other is.
double sleeps_among_waits(bool shared) {
    escapement_statistics statistics{};
    by_domain({.mean = 700, .shared = shared, .operations = 20'000, .slices = true}, ESCAPEMENT_PARALLEL, 0,
              &statistics);
    return 1000.0 * static_cast<double>(statistics.sleeps) /
           static_cast<double>(std::max<std::uint64_t>(statistics.waits, 1));
}

/// Every operation takes the turn of its participant; who has ended passes its own on at once.
template <typename Wait>
double by_ticktock(const Load& load, Wait&& wait_for) {
    std::vector<std::vector<std::uint64_t>> all;
    for (unsigned me = 0; me < load.threads; ++me)
        all.push_back(lengths(load, me));
    std::vector<std::atomic<bool>> ended(load.threads);
    return run_threads(load.threads, [&](unsigned me) {
        for (const std::uint64_t length : all[me]) {
            work(length);
            wait_for(me, ended, false);
        }
        wait_for(me, ended, true);
    });
}

struct Conditioned {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    std::vector<pthread_cond_t> changed;
    unsigned turn = 0;
    explicit Conditioned(unsigned threads) : changed(threads) {
        for (pthread_cond_t& each : changed)
            pthread_cond_init(&each, nullptr);
    }
    void operator()(unsigned me, std::vector<std::atomic<bool>>& ended, bool ends) {
        pthread_mutex_lock(&mutex);
        while (turn != me)
            pthread_cond_wait(&changed[me], &mutex);
        if (ends) ended[me] = true;
        for (unsigned step = 0; step < ended.size(); ++step) {
            turn = (turn + 1) % static_cast<unsigned>(ended.size());
            if (!ended[turn]) break;
        }
        pthread_cond_signal(&changed[turn]);
        pthread_mutex_unlock(&mutex);
    }
};

struct Spinning {
    std::atomic<unsigned> turn{0};
    void operator()(unsigned me, std::vector<std::atomic<bool>>& ended, bool ends) {
        while (turn.load(std::memory_order_acquire) != me) {
        }
        if (ends) ended[me] = true;
        unsigned next = me;
        for (unsigned step = 0; step < ended.size(); ++step) {
            next = (next + 1) % static_cast<unsigned>(ended.size());
            if (!ended[next]) break;
        }
        turn.store(next, std::memory_order_release);
    }
};

double by_conditions(const Load& load) {
    Conditioned turns(load.threads);
    return by_ticktock(load, [&](auto&&... all) { turns(all...); });
}

double by_spinning(const Load& load) {
    Spinning turns;
    return by_ticktock(load, [&](auto&&... all) { turns(all...); });
}

/// Nanoseconds of a lock and an unlock, nobody else there.
double uncontended(bool ordered) {
    constexpr unsigned times = 200'000;
    if (!ordered) {
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        const auto begun = Clock::now();
        for (unsigned index = 0; index < times; ++index) {
            pthread_mutex_lock(&mutex);
            pthread_mutex_unlock(&mutex);
        }
        return seconds_since(begun) * 1e9 / times;
    }
    escapement_options options;
    escapement_options_init(&options);
    options.mode = ESCAPEMENT_PARALLEL;
    escapement_domain* domain = nullptr;
    escapement_participant* place = nullptr;
    escapement_mutex* mutex = nullptr;
    escapement_domain_create(&options, &domain);
    escapement_admit(domain, "bench", &place);
    escapement_mutex_create(domain, nullptr, &mutex);
    escapement_enter(place);
    const auto begun = Clock::now();
    for (unsigned index = 0; index < times; ++index) {
        escapement_mutex_lock(mutex);
        escapement_mutex_unlock(mutex);
    }
    const double taken = seconds_since(begun) * 1e9 / times;
    escapement_leave(place);
    escapement_mutex_destroy(mutex);
    escapement_domain_destroy(domain);
    return taken;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
    const std::uint64_t milliseconds = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 40;
    const std::uint64_t us = counts_per_microsecond();
    std::printf("a microsecond of work is %llu counts; %d rounds, in turn; medians\n\n",
                static_cast<unsigned long long>(us), rounds);

    const auto load = [&](std::uint64_t mean_us, Load changes) {
        changes.mean = mean_us * us;
        if (changes.operations == 0) changes.operations = milliseconds * 1000 / mean_us;
        return changes;
    };
    const Load one = load(1, {});
    const Load ten = load(10, {});
    Load often = load(100, {.ratio = 100});
    const Load shared = load(10, {.shared = true});
    Load one_sliced = one;
    one_sliced.slices = true;
    Load ten_sliced = ten;
    ten_sliced.slices = true;
    const Load eight = load(10, {.threads = 8, .operations = milliseconds * 25});
    const Load eight_shared = load(10, {.threads = 8, .shared = true, .operations = milliseconds * 25});
    const auto turns = [&](unsigned threads) {
        // One lock, or it would be reserved and nothing handed over.
        return load(1, {.threads = threads, .shared = true, .operations = 16'000 / threads});
    };

    std::map<std::string, std::function<double()>> ways;
    const auto add = [&](const std::string& name, const Load& what) {
        ways[name + ", free"] = [what] { return by_pthreads(what); };
        ways[name + ", parallel"] = [what] { return by_domain(what, ESCAPEMENT_PARALLEL); };
        ways[name + ", serial"] = [what] { return by_domain(what, ESCAPEMENT_SERIAL); };
    };
    add("1 us", one);
    add("10 us", ten);
    add("100 to 1", often);
    add("shared", shared);
    add("8 of 10 us", eight);
    add("8, shared", eight_shared);
    ways["1 us, sliced"] = [&] { return by_domain(one_sliced, ESCAPEMENT_PARALLEL); };
    ways["10 us, sliced"] = [&] { return by_domain(ten_sliced, ESCAPEMENT_PARALLEL); };
    const auto add_recorded = [&](const std::string& name, Load what) {
        what.recorded = true;
        ways[name + ", parallel, recorded"] = [what] { return by_domain(what, ESCAPEMENT_PARALLEL); };
        ways[name + ", serial, recorded"] = [what] { return by_domain(what, ESCAPEMENT_SERIAL); };
    };
    add_recorded("1 us", one);
    add_recorded("10 us", ten);
    add_recorded("shared", shared);
    ways["1 us, tick-tock"] = [&] { return by_conditions(one); };
    ways["10 us, tick-tock"] = [&] { return by_conditions(ten); };
    // In alternation the fast one gets one operation for each of the slow one's; its whole share takes so
    // many times as long.
    Load alternating = often;
    alternating.alternates = true;
    const auto share = static_cast<double>(often.ratio);
    ways["100 to 1, tick-tock"] = [&, share] { return by_conditions(alternating) * share; };
    ways["100 to 1, spinning"] = [&, share] { return by_spinning(alternating) * share; };
    ways["sleeps"] = [] { return sleeps_among_waits(true); };
    ways["sleeps, own locks"] = [] { return sleeps_among_waits(false); };
    ways["uncontended, free"] = [] { return uncontended(false); };
    ways["uncontended, ordered"] = [] { return uncontended(true); };
    for (const unsigned threads : {2U, 64U}) {
        // Quanta of 1: each operation hands the turn on.
        ways["serial turns of " + std::to_string(threads)] = [&turns, threads] {
            return by_domain(turns(threads), ESCAPEMENT_SERIAL, 1) - by_pthreads(turns(1));
        };
    }
    ways["turns of 4"] = [&] { return by_domain(turns(4), ESCAPEMENT_PARALLEL) - by_pthreads(turns(4)); };
    ways["turns of 64"] = [&] { return by_domain(turns(64), ESCAPEMENT_PARALLEL) - by_pthreads(turns(64)); };

    std::map<std::string, std::vector<double>> found;
    for (int round = 0; round < rounds; ++round) {
        for (const auto& [name, run] : ways)
            found[name].push_back(run());
    }
    const auto row = [&](const char* text, const char* above, const char* below, const char* aim) {
        const double first = median(found[above]);
        const double second = median(found[below]);
        std::printf("%-62s %7.2f  %s\n", text, first / second, aim);
    };
    row("uncontended lock + unlock / pthread_mutex", "uncontended, ordered", "uncontended, free", "<= 4");
    std::printf("%-62s %7s\n", "throughput of free pthreads, or times that of another way:", "");
    row("1 us, own locks: of free", "1 us, free", "1 us, parallel", ">= 0.75");
    row("  the same, reported in 16 slices: of free", "1 us, free", "1 us, sliced", "");
    row("  times tick-tock by mutex and condition", "1 us, tick-tock", "1 us, parallel", ">= 5");
    row("10 us: of free", "10 us, free", "10 us, parallel", ">= 0.9");
    row("  the same, reported in 16 slices: of free", "10 us, free", "10 us, sliced", "");
    row("  times serial", "10 us, serial", "10 us, parallel", ">= 1.6");
    row("one locks 100 times as often (1 us against 100 us): of free", "100 to 1, free", "100 to 1, parallel",
        ">= 0.85");
    row("  times tick-tock by mutex and condition", "100 to 1, tick-tock", "100 to 1, parallel", ">= 10");
    row("  times tick-tock that spins", "100 to 1, spinning", "100 to 1, parallel", ">= 5");
    row("10 us, one shared lock: of free", "shared, free", "shared, parallel", ">= 0.8");
    row("8 participants, 10 us, parallel: of free", "8 of 10 us, free", "8 of 10 us, parallel", ">= 0.6");
    row("  serial: of free", "8 of 10 us, free", "8 of 10 us, serial", "(the better of the two)");
    row("  one shared lock, parallel: of free", "8, shared, free", "8, shared, parallel", "");
    row("  one shared lock, serial: of free", "8, shared, free", "8, shared, serial", "");
    std::printf("%-62s %7s\n", "time of a run that writes a journal, of one that does not:", "");
    for (const char* const mode : {"serial", "parallel"}) {
        for (const char* const name : {"1 us", "10 us", "shared"}) {
            const std::string way = std::string(name) + ", " + mode;
            row(("  " + way).c_str(), (way + ", recorded").c_str(), way.c_str(), "<= 1.03");
        }
    }
    std::printf("%-62s %7.2f  %s\n", "of 1,000 waits for who is up to 1,000 counts behind, slept",
                median(found["sleeps"]), "0");
    std::printf("%-62s %7.2f\n", "  of 1,000 waits for a round, own locks, slept",
                median(found["sleeps, own locks"]));
    row("cost of a handed turn, serial, 64 participants / 2", "serial turns of 64", "serial turns of 2",
        "<= 3");
    row("  parallel, 64 / 4 (2 on 2 cores hand nothing over)", "turns of 64", "turns of 4", "<= 3");
    return 0;
}
