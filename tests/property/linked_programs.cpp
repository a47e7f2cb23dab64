// Random programs of real threads, linked: whatever the host's scheduler does, each comes out the same.

#include "check_many.hpp"
#include "random_input.hpp"

#include <catch2/catch.hpp>
#include <escapement.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <ostream>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace escapement::simulation {
namespace {

struct Step {
    std::uint8_t kind = 0;
    std::uint8_t object = 0;
    std::uint16_t amount = 0;
};

struct Program {
    std::uint64_t quantum = 100;
    std::vector<std::vector<Step>> threads;
};

void showValue(const Program& program, std::ostream& out) {
    out << "quantum " << program.quantum;
    for (const std::vector<Step>& thread : program.threads) {
        out << "\n ";
        for (const Step& each : thread)
            out << " " << int{each.kind} << "/" << int{each.object} << "/" << each.amount;
    }
    out << "\n";
}

constexpr std::uint8_t looks_outside = 11;

/// `kinds`: of steps, the last of which looks outside.
rc::Gen<Program> any_program(std::size_t most_threads, std::uint8_t kinds = looks_outside) {
    return rc::gen::exec([most_threads, kinds] {
        const auto step =
            rc::gen::build<Step>(rc::gen::set(&Step::kind, rc::gen::inRange<std::uint8_t>(0, kinds)),
                                 rc::gen::set(&Step::object, rc::gen::inRange<std::uint8_t>(0, 3)),
                                 rc::gen::set(&Step::amount, rc::gen::inRange<std::uint16_t>(0, 300)));
        const auto threads = *rc::gen::inRange<std::size_t>(2, most_threads + 1);
        return Program{.quantum = *rc::gen::element<std::uint64_t>(50, 200, 5000),
                       .threads = *rc::gen::container<std::vector<std::vector<Step>>>(
                           threads, rc::gen::container<std::vector<Step>>(12, step))};
    });
}

/// What happened to whom, at which clock, with what result.
using Log = std::vector<std::tuple<unsigned, std::uint64_t, int>>;

struct Signature {
    std::vector<Log> threads;
    std::array<Log, 3> mutexes;  ///< acquisitions, in their order
    bool operator==(const Signature&) const = default;
};

/// Where a run's journal is written or read, and where its outside is.
struct Outside {
    const char* record = nullptr;
    const char* replay = nullptr;
    int descriptor = -1;
};

class Linked {
  public:
    Linked(const Program& program, int mode, std::uint32_t noise, const Outside& outside = {})
        : program_(program), noise_(noise), outside_(outside) {
        escapement_options options;
        escapement_options_init(&options);
        options.mode = mode;
        options.quantum = program.quantum;
        options.start_ns = 0;
        options.record = outside.record;
        options.replay = outside.replay;
        RC_ASSERT(escapement_domain_create(&options, &domain_) == ESCAPEMENT_OK);
        for (unsigned index = 0; index < 3; ++index) {
            escapement_mutex_create(domain_, nullptr, &mutexes_.at(index));
            escapement_condition_create(domain_, nullptr, &conditions_.at(index));
            escapement_semaphore_create(domain_, nullptr, 1, &semaphores_.at(index));
            escapement_event_create(domain_, nullptr, 0, &events_.at(index));
        }
        signature_.threads.resize(program.threads.size());
    }
    Linked(const Linked&) = delete;
    Linked& operator=(const Linked&) = delete;
    ~Linked() {
        for (unsigned index = 0; index < 3; ++index) {
            escapement_mutex_destroy(mutexes_.at(index));
            escapement_condition_destroy(conditions_.at(index));
            escapement_semaphore_destroy(semaphores_.at(index));
            escapement_event_destroy(events_.at(index));
        }
        if (domain_ != nullptr) escapement_domain_destroy(domain_);
    }

    Signature run() {
        std::vector<escapement_participant*> places(program_.threads.size());
        for (escapement_participant*& each : places)
            escapement_admit(domain_, "thread", &each);
        std::vector<std::thread> threads;
        for (unsigned index = 0; index < places.size(); ++index) {
            threads.emplace_back([this, index, place = places[index]] {
                std::minstd_rand random(noise_ + index);
                escapement_enter(place);
                for (const Step& each : program_.threads[index]) {
                    dawdle(random);
                    perform(each, index, random);
                }
                escapement_leave(place);
            });
        }
        for (std::thread& each : threads)
            each.join();
        return signature_;
    }
    /// Ends the domain, and with it its journal.
    [[nodiscard]] bool close() { return escapement_domain_close(domain_) == ESCAPEMENT_OK; }

  private:
    static void dawdle(std::minstd_rand& random) {
        switch (random() % 16) {
            case 0:
            case 1:
            case 2:
                std::this_thread::yield();
                break;
            case 3:
                std::this_thread::sleep_for(std::chrono::microseconds(random() % 60));
                break;
            default:
                break;
        }
    }

    void perform(const Step& step, unsigned me, std::minstd_rand& random) {
        const std::int64_t deadline = escapement_now() + step.amount;
        escapement_mutex* const mutex = mutexes_.at(step.object);
        int result = 0;
        switch (step.kind) {
            case 0:
                escapement_advance(step.amount);
                break;
            case 1:
            case 2:
                result = escapement_mutex_lock(mutex);
                inside(step, me, random);
                break;
            case 3:
                result = escapement_mutex_trylock(mutex);
                if (result == ESCAPEMENT_OK) inside(step, me, random);
                break;
            case 4:
                result = escapement_mutex_timedlock(mutex, deadline);
                if (result == ESCAPEMENT_OK) inside(step, me, random);
                break;
            case 5:
                escapement_mutex_lock(mutex);
                result = escapement_condition_timedwait(conditions_.at(step.object), mutex, deadline);
                inside(step, me, random);
                break;
            case 6:
                result = step.amount % 2 == 0 ? escapement_condition_signal(conditions_.at(step.object))
                                              : escapement_condition_broadcast(conditions_.at(step.object));
                break;
            case 7:
                result = escapement_semaphore_timedacquire(semaphores_.at(step.object), deadline);
                if (step.amount % 3 != 0) escapement_semaphore_release(semaphores_.at(step.object), 1);
                break;
            case 8:
                result = escapement_event_timedwait(events_.at(step.object), deadline);
                if (step.amount % 2 == 0) {
                    escapement_event_set(events_.at(step.object));
                } else {
                    escapement_event_reset(events_.at(step.object));
                }
                break;
            case 9:  // so often that the mutex may be reserved
                for (unsigned times = 0; times < 18U + step.amount % 32U; ++times) {
                    result += escapement_mutex_lock(mutex);
                    inside(
                        {.object = step.object, .amount = times % 6U == 0 ? step.amount : std::uint16_t{1}},
                        me, random);
                }
                break;
            case looks_outside:
                result = look_outside(step.amount);
                break;
            default:
                escapement_promise(step.amount);
                dawdle(random);
                escapement_advance(step.amount);
                if (step.amount % 4 == 0) result = escapement_sleep_until(deadline);
                break;
        }
        signature_.threads[me].emplace_back(step.kind, escapement_clock(), result);
    }

    /// What was found there, and what it was.
    [[nodiscard]] int look_outside(std::uint16_t timeout) const {
        pollfd descriptor{.fd = outside_.descriptor, .events = POLLIN, .revents = 0};
        int ready = 0;
        const int status = escapement_poll(&descriptor, 1, timeout, &ready);
        if (ready <= 0) return status;
        std::array<unsigned char, 4> bytes{};
        std::int64_t got = 0;
        int descriptor_to_read = outside_.descriptor;
        const int input = escapement_input(
            "outside", bytes.data(), bytes.size(),
            [](void* from, void* to, std::size_t size) -> std::int64_t {
                return ::read(*static_cast<int*>(from), to, size);
            },
            &descriptor_to_read, &got);
        int result = 1000 * (status + input) + static_cast<int>(got);
        for (const unsigned char each : bytes)
            result = result * 31 + each;
        return result;
    }

    /// With the mutex held: its log is written, and now and then another is locked as well.
    void inside(const Step& step, unsigned me, std::minstd_rand& random) {
        signature_.mutexes.at(step.object).emplace_back(me, escapement_clock(), 0);
        dawdle(random);
        escapement_advance(step.amount / 4);
        if (step.amount % 5 == 0 && step.object < 2) {
            escapement_mutex_lock(mutexes_.at(step.object + 1U));
            signature_.mutexes.at(step.object + 1U).emplace_back(me, escapement_clock(), 1);
            escapement_mutex_unlock(mutexes_.at(step.object + 1U));
        }
        escapement_mutex_unlock(mutexes_.at(step.object));
    }

    const Program& program_;
    std::uint32_t noise_;
    Outside outside_;
    escapement_domain* domain_ = nullptr;
    std::array<escapement_mutex*, 3> mutexes_{};
    std::array<escapement_condition*, 3> conditions_{};
    std::array<escapement_semaphore*, 3> semaphores_{};
    std::array<escapement_event*, 3> events_{};
    Signature signature_;
};

bool same_every_time(const char* text, int mode, int programs, std::uint32_t runs, std::size_t threads) {
    return check_many(text, programs, [=] {
        const Program program = *any_program(threads);
        const Signature first = Linked(program, mode, 1).run();
        for (std::uint32_t run = 1; run < runs; ++run)
            RC_ASSERT(Linked(program, mode, 1000 * run).run() == first);
    });
}

}  // namespace

TEST_CASE("linked programs of up to 16 threads in parallel come out the same every time") {
    CHECK(
        same_every_time("parallel, a few threads", ESCAPEMENT_PARALLEL, ESCAPEMENT_TEST_PROGRAMS / 50, 4, 4));
    CHECK(same_every_time("parallel, many threads", ESCAPEMENT_PARALLEL, ESCAPEMENT_TEST_PROGRAMS / 200, 4,
                          16));
}

TEST_CASE("linked programs one thread at a time come out the same every time") {
    CHECK(same_every_time("serial", ESCAPEMENT_SERIAL, ESCAPEMENT_TEST_PROGRAMS / 1000, 3, 8));
}

namespace {

/// How much there is to do: ESCAPEMENT_SOAK_RUNS, 1,000 if it is not given.
int soak_runs() {
    const char* const given = std::getenv("ESCAPEMENT_SOAK_RUNS");
    return given != nullptr ? std::max(std::atoi(given), 1) : 1000;
}

std::string contents(const std::filesystem::path& path) {
    const std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

class Folder {
  public:
    Folder() {
        std::string path = std::filesystem::temp_directory_path() / "escapement-soak-XXXXXX";
        if (mkdtemp(path.data()) != nullptr) path_ = path;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string operator()(const char* name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("linked programs of 2 to 16 threads write one journal each", "[.][soak]") {
    const int runs = soak_runs();
    const Folder folder;
    const std::string first_file = folder("first");
    const std::string file = folder("another");
    std::size_t bytes = 0;
    CHECK(check_many("one journal", (runs + 9) / 10, [&] {
        const Program program = *any_program(16);
        Signature first;
        {
            Linked linked(program, ESCAPEMENT_PARALLEL, 1, {.record = first_file.c_str()});
            first = linked.run();
            RC_ASSERT(linked.close());
        }
        const std::string journal = contents(first_file);
        bytes += journal.size();
        for (std::uint32_t run = 1; run < 10; ++run) {
            Linked linked(program, ESCAPEMENT_PARALLEL, 1000 * run, {.record = file.c_str()});
            RC_ASSERT(linked.run() == first);
            RC_ASSERT(linked.close());
            RC_ASSERT(contents(file) == journal);
        }
    }));
    std::cerr << (runs + 9) / 10 << " programs, 10 runs of each, one journal each, of " << bytes
              << " bytes in all\n";
}

TEST_CASE("linked programs with random outside input are replayed as they were recorded", "[.][soak]") {
    const int runs = soak_runs();
    const Folder folder;
    const std::string file = folder("journal");
    std::uint32_t noise = 1;
    std::size_t bytes = 0;
    CHECK(check_many("record and replay", runs, [&] {
        const Program program = *any_program(16, looks_outside + 1);
        const int mode = noise % 2 == 0 ? ESCAPEMENT_PARALLEL : ESCAPEMENT_SERIAL;
        Signature recorded;
        {
            const RandomInput input(++noise);
            Linked linked(program, mode, noise, {.record = file.c_str(), .descriptor = input.descriptor()});
            recorded = linked.run();
            RC_ASSERT(linked.close());
        }
        bytes += contents(file).size();
        Linked linked(program, mode, noise + 7, {.replay = file.c_str()});
        RC_ASSERT(linked.run() == recorded);
        RC_ASSERT(linked.close());
    }));
    std::cerr << runs << " pairs of a recording and its replay, journals of " << bytes << " bytes in all\n";
}

}  // namespace escapement::simulation
