// Journals of linked domains: recorded twice alike, done again without the outside, and what is not of them
// refused.

#include <catch2/catch.hpp>
#include <escapement.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Way {
    int policy;
    int mode;
};

Way any_way() {
    return GENERATE(Way{ESCAPEMENT_COUNTED, ESCAPEMENT_SERIAL}, Way{ESCAPEMENT_COUNTED, ESCAPEMENT_PARALLEL},
                    Way{ESCAPEMENT_TICKTOCK, ESCAPEMENT_SERIAL});
}

class Files {
  public:
    Files() {
        std::string path = std::filesystem::temp_directory_path() / "escapement-journals-XXXXXX";
        REQUIRE(mkdtemp(path.data()) != nullptr);
        path_ = path;
    }
    ~Files() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    [[nodiscard]] std::string operator()(const char* name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

std::string contents(const std::string& path) {
    const std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// Three threads: two that count under a mutex, of which one also reads what comes in; one that waits to be
/// woken. What they saw is the trace.
struct Program {
    int input = -1;
    std::uint64_t odd_at = ~std::uint64_t{0};  ///< round in which a worker counts one more than it did
    int rounds = 40;

    escapement_options options{};
    std::string trace;
    std::string report;
    int last = ESCAPEMENT_OK;  ///< first error that any of them got
    int created = ESCAPEMENT_OK;
    int destroyed = ESCAPEMENT_OK;
    std::vector<std::thread> threads;

    Program(Way way, const std::string& record, const std::string& replay)
        : record_(record), replay_(replay) {
        escapement_options_init(&options);
        options.policy = way.policy;
        options.mode = way.mode;
        options.quantum = 1000;
        options.on_stall = [](void* program, const char* text) {
            static_cast<Program*>(program)->report += text;
        };
        options.context = this;
    }

    void run() {
        options.record = record_.empty() ? nullptr : record_.c_str();
        options.replay = replay_.empty() ? nullptr : replay_.c_str();
        created = escapement_domain_create(&options, &domain_);
        if (created != ESCAPEMENT_OK) return;
        escapement_mutex_create(domain_, "shared", &mutex_);
        escapement_mutex_create(domain_, "own", &own_);
        escapement_condition_create(domain_, "changed", &changed_);
        escapement_semaphore_create(domain_, "done", 0, &done_);
        escapement_event_create(domain_, "go", 0, &go_);
        add("reader", [this] { return read(); });
        add("worker", [this] { return work(); });
        add("waiter", [this] { return wait(); });
        for (std::thread& each : threads)
            each.join();
        escapement_mutex_destroy(mutex_);
        escapement_mutex_destroy(own_);
        escapement_condition_destroy(changed_);
        escapement_semaphore_destroy(done_);
        escapement_event_destroy(go_);
        destroyed = escapement_domain_destroy(domain_);
    }

  private:
    void add(const char* role, std::function<int()> body) {
        escapement_participant* place = nullptr;
        escapement_admit(domain_, role, &place);
        places_.push_back(place);
        bodies_.push_back(std::move(body));
        if (bodies_.size() < 3) return;
        for (std::size_t index = 0; index < bodies_.size(); ++index) {
            threads.emplace_back([this, index] {
                escapement_enter(places_[index]);
                const int status = bodies_[index]();
                if (status >= ESCAPEMENT_ERRORS) {
                    const std::lock_guard guard(last_latch_);
                    last = status;
                }
                escapement_leave(places_[index]);
            });
        }
    }
    /// With the mutex.
    void say(const std::string& text) { trace += text + "\n"; }

    int read() {
        int status = escapement_event_set(go_);
        for (bool open = true; open && status < ESCAPEMENT_ERRORS;) {
            pollfd descriptor{.fd = input, .events = POLLIN, .revents = 0};
            int ready = 0;
            status = escapement_poll(&descriptor, 1, 3000, &ready);
            if (status >= ESCAPEMENT_ERRORS) return status;
            std::array<char, 16> bytes{};
            std::int64_t got = 0;
            if (ready > 0) {
                status = escapement_input(
                    "pipe", bytes.data(), bytes.size(),
                    [](void* from, void* to, std::size_t size) -> std::int64_t {
                        return ::read(*static_cast<int*>(from), to, size);
                    },
                    &input, &got);
                if (status >= ESCAPEMENT_ERRORS) return status;
                open = got > 0;
            }
            status = escapement_mutex_lock(mutex_);
            if (status >= ESCAPEMENT_ERRORS) return status;
            say(std::to_string(escapement_clock()) + " read " + std::to_string(ready) + " " +
                std::to_string(descriptor.revents) + " " +
                std::string(bytes.data(), static_cast<std::size_t>(std::max<std::int64_t>(got, 0))));
            over_ = !open;
            escapement_condition_signal(changed_);
            status = escapement_mutex_unlock(mutex_);
        }
        return status < ESCAPEMENT_ERRORS ? escapement_semaphore_acquire(done_) : status;
    }
    int work() {
        int status = escapement_event_wait(go_);
        for (int round = 0; round < rounds && status < ESCAPEMENT_ERRORS; ++round) {
            std::uint32_t counts = 0;
            escapement_random(&counts, sizeof counts);
            escapement_advance(counts % 300 + (static_cast<std::uint64_t>(round) == odd_at ? 1 : 0));
            // Its own, which is reserved to it where all run at once.
            for (int times = 0; times < 12 && status < ESCAPEMENT_ERRORS; ++times) {
                status = escapement_mutex_lock(own_);
                if (status < ESCAPEMENT_ERRORS) status = escapement_mutex_unlock(own_);
            }
            const int tried = status < ESCAPEMENT_ERRORS ? escapement_mutex_trylock(mutex_) : status;
            status = tried == ESCAPEMENT_BUSY ? escapement_mutex_lock(mutex_) : tried;
            if (status >= ESCAPEMENT_ERRORS) return status;
            say(std::to_string(escapement_clock()) + " work, tried " + std::to_string(tried));
            status = escapement_mutex_unlock(mutex_);
            if (status < ESCAPEMENT_ERRORS && round % 8 == 7) status = rest();
        }
        return status < ESCAPEMENT_ERRORS ? escapement_semaphore_release(done_, 1) : status;
    }
    /// What is asked for more seldom.
    int rest() {
        int status = escapement_sleep_until(escapement_now() + 70);
        if (status < ESCAPEMENT_ERRORS) status = escapement_event_reset(go_);
        if (status < ESCAPEMENT_ERRORS) status = escapement_semaphore_tryacquire(done_);
        return status;
    }
    int wait() {
        int status = escapement_mutex_lock(mutex_);
        while (status < ESCAPEMENT_ERRORS && !over_) {
            status = escapement_condition_timedwait(changed_, mutex_, escapement_now() + 2000);
            if (status < ESCAPEMENT_ERRORS)
                say(std::to_string(escapement_clock()) + " woken " + std::to_string(status));
        }
        return status < ESCAPEMENT_ERRORS ? escapement_mutex_unlock(mutex_) : status;
    }

    std::string record_, replay_;
    escapement_domain* domain_ = nullptr;
    escapement_mutex* mutex_ = nullptr;
    escapement_mutex* own_ = nullptr;
    escapement_condition* changed_ = nullptr;
    escapement_semaphore* done_ = nullptr;
    escapement_event* go_ = nullptr;
    std::vector<escapement_participant*> places_;
    std::vector<std::function<int()>> bodies_;
    std::mutex last_latch_;
    bool over_ = false;
};

/// A pipe that somebody writes to, at random times if `slowly`, else everything before the run.
class Pipe {
  public:
    explicit Pipe(bool slowly) {
        REQUIRE(pipe(ends_.data()) == 0);
        const auto feed = [this, slowly] {
            std::minstd_rand random(std::random_device{}());
            for (int piece = 0; piece < 12; ++piece) {
                if (slowly) std::this_thread::sleep_for(std::chrono::microseconds(random() % 1000));
                const std::string text = "piece " + std::to_string(piece);
                if (::write(ends_[1], text.data(), text.size()) < 0) break;
            }
            ::close(ends_[1]);
        };
        if (slowly) {
            writer_ = std::thread(feed);
        } else {
            feed();
        }
    }
    ~Pipe() {
        if (writer_.joinable()) writer_.join();
        ::close(ends_[0]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    [[nodiscard]] int end() const { return ends_[0]; }

  private:
    std::array<int, 2> ends_{};
    std::thread writer_;
};

void record(Program& program, bool slowly) {
    const Pipe pipe(slowly);
    program.input = pipe.end();
    program.run();
    CHECK(program.created == ESCAPEMENT_OK);
    CHECK(program.destroyed == ESCAPEMENT_OK);
    CHECK(program.report.empty());
    CHECK(program.last == ESCAPEMENT_OK);
}

}  // namespace

TEST_CASE("linked journal: two recordings of the same run are equal files") {
    const Way way = any_way();
    const Files files;
    Program one(way, files("one"), "");
    record(one, false);
    Program two(way, files("two"), "");
    record(two, false);
    CHECK(one.trace == two.trace);
    CHECK(contents(files("one")).size() > 200);
    CHECK(contents(files("one")) == contents(files("two")));
}

TEST_CASE("linked journal: input that came at random times comes again, with nothing there") {
    const Way way = any_way();
    const Files files;
    for (int times = 0; times < 10; ++times) {
        Program then(way, files("journal"), "");
        record(then, true);
        // Nothing to read from, and no descriptor either.
        Program again(way, "", files("journal"));
        again.run();
        CAPTURE(again.report);
        CHECK(again.report.empty());
        CHECK(again.trace == then.trace);
        CHECK(again.destroyed == ESCAPEMENT_OK);
    }
}

TEST_CASE("linked journal: what is not as recorded ends the replay at once") {
    const Way way = any_way();
    const Files files;
    Program then(way, files("journal"), "");
    record(then, true);
    Program other(way, "", files("journal"));
    other.odd_at = 20;
    other.run();
    CHECK(other.last == ESCAPEMENT_DIVERGED);
    CAPTURE(other.report);
    CHECK(other.report.find("replay of " + files("journal")) != std::string::npos);
    CHECK(other.report.find("expected  record") != std::string::npos);
    CHECK(other.report.find("found     record") != std::string::npos);
    CHECK(other.report.find("before    record") != std::string::npos);
    CHECK(other.report.find("'worker'") != std::string::npos);
    CHECK(other.report.find("mutex 'shared'") != std::string::npos);
    Program shorter(way, "", files("journal"));
    shorter.rounds = 39;
    shorter.run();
    CHECK(shorter.last == ESCAPEMENT_DIVERGED);
    Program longer(way, "", files("journal"));
    longer.rounds = 41;
    longer.run();
    CHECK(longer.last == ESCAPEMENT_DIVERGED);
}

TEST_CASE("linked journal: a cut one is followed to its end") {
    const Way way = any_way();
    const Files files;
    Program then(way, files("journal"), "");
    then.rounds = 30'000;  // more than a block
    record(then, false);
    const std::string all = contents(files("journal"));
    std::ofstream(files("journal"), std::ios::binary) << all.substr(0, all.size() - 1);
    Program again(way, "", files("journal"));
    again.rounds = 30'000;
    again.run();
    CHECK(again.last == ESCAPEMENT_DIVERGED);
    CHECK(again.report.find("is cut: the replay ends where it does") != std::string::npos);
    CHECK(again.trace.size() > 1000);
    // In mode parallel what is done out of turn may have got further than the journal.
    CHECK(then.trace.substr(0, again.trace.size()) == again.trace);
}

TEST_CASE("linked journal: of another domain it is refused, by name") {
    const Files files;
    const Way way{ESCAPEMENT_COUNTED, ESCAPEMENT_SERIAL};
    Program then(way, files("journal"), "");
    record(then, false);
    const auto refusal = [&](const std::function<void(escapement_options&)>& change) {
        Program other(way, "", files("journal"));
        change(other.options);
        other.run();
        CHECK(other.created == ESCAPEMENT_JOURNAL);
        return other.report;
    };
    using Catch::Matchers::Contains;
    CHECK_THAT(refusal([](auto& options) { options.policy = ESCAPEMENT_TICKTOCK; }),
               Contains("policy 'counted', this is 'ticktock'"));
    CHECK_THAT(refusal([](auto& options) { options.mode = ESCAPEMENT_PARALLEL; }),
               Contains("mode 'serial', this is 'parallel'"));
    CHECK_THAT(refusal([](auto& options) { options.quantum = 999; }),
               Contains("quantum '1000', this is '999'"));
    CHECK_THAT(refusal([](auto& options) { options.clock = ESCAPEMENT_OPERATIONS; }),
               Contains("clock 'reported', this is 'operations'"));
    CHECK_THAT(refusal([](auto& options) { options.seed = 7; }), Contains("seed '0', this is '7'"));
    CHECK_THAT(refusal([](auto& options) { options.ns_per_count = 3; }), Contains("nanoseconds per count"));
    CHECK_THAT(refusal([](auto& options) { options.time = ESCAPEMENT_REAL; }), Contains("virtual time"));
    CHECK_THAT(refusal([](auto& options) {
                   options.policy = ESCAPEMENT_FREE;
                   options.mode = ESCAPEMENT_AUTO;
               }),
               Contains("free"));
    Program nowhere(way, files("no/journal"), "");
    nowhere.run();
    CHECK(nowhere.created == ESCAPEMENT_JOURNAL);
    CHECK_THAT(nowhere.report, Contains("cannot write the journal") && Contains("No such file"));
    std::ofstream(files("other")) << "no journal";
    Program no_journal(way, "", files("other"));
    no_journal.run();
    CHECK(no_journal.created == ESCAPEMENT_JOURNAL);
    // Whoever leaves the mode open gets the journal's.
    Program any(way, "", files("journal"));
    any.options.mode = ESCAPEMENT_AUTO;
    any.run();
    CHECK(any.report.empty());
    CHECK(any.trace == then.trace);
}

TEST_CASE("linked journal: a full disk is told at the end") {
    REQUIRE(access("/dev/full", W_OK) == 0);
    Program full({ESCAPEMENT_COUNTED, ESCAPEMENT_PARALLEL}, "/dev/full", "");
    const Pipe pipe(false);
    full.input = pipe.end();
    full.run();
    CHECK(full.last == ESCAPEMENT_OK);
    CHECK(full.destroyed == ESCAPEMENT_JOURNAL);
    CHECK(full.report.find("/dev/full: No space left on device") != std::string::npos);
}
