// Counters of what the kernel itself counts: they are to be had everywhere, and serve to test all but the
// counting.
#include <escapement/counter.hpp>
#include <escapement/event.hpp>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <optional>
#include <thread>
#include <vector>

using namespace escapement;

namespace {

constexpr EventCode page_faults{.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS};
constexpr std::size_t page = 4096;

/// Causes as many page faults.
void fault(std::size_t times) {
    void* const memory =
        mmap(nullptr, times * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    madvise(memory, times * page, MADV_NOHUGEPAGE);
    for (std::size_t number = 0; number < times; ++number)
        static_cast<volatile char*>(memory)[number * page] = 1;
    munmap(memory, times * page);
}

/// False, having said why, where even these cannot be had, or are not the program's own.
bool can_count() {
    const auto counter = Counter::open(page_faults);
    if (!counter) {
        WARN("cannot run here: " << explain(counter.error(), {.name = "page faults", .code = page_faults}));
        return false;
    }
    const auto before = counter->read();
    fault(100);
    const auto after = counter->read();
    REQUIRE((before && after));
    if (*after - *before < 150) return true;
    WARN("cannot run here: a page touched is " << (*after - *before) / 100
                                               << " page faults (a sanitizer's shadow)");
    return false;
}

}  // namespace

TEST_CASE("a counter counts from its opening on, by its own thread") {
    if (!can_count()) return;
    const auto counter = Counter::open(page_faults);
    REQUIRE(counter);
    CHECK_FALSE(counter->reads_in_user_space());
    CHECK(counter->price_of_a_try() == 0);
    const auto before = counter->read();
    fault(100);
    const auto after = counter->read();
    std::thread([] { fault(1000); }).join();
    const auto later = counter->read_by_call();
    REQUIRE((before && after && later));
    CHECK(*after - *before >= 100);
    CHECK(*after - *before < 200);
    CHECK(*later - *after < 500);
}

TEST_CASE("a counter's descriptor is out of the program's way, and not handed on") {
    if (!can_count()) return;
    const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    REQUIRE(next >= 0);
    close(next);
    std::optional<int> number;
    {
        const auto counter = Counter::open(page_faults);
        auto alarm = Alarm::open(page_faults, SIGRTMIN);
        REQUIRE(counter);
        REQUIRE(alarm);
        number = counter->descriptor();
        CHECK(counter->descriptor() >= 64);
        CHECK(alarm->descriptor() >= 64);
        CHECK(fcntl(counter->descriptor(), F_GETFD) == FD_CLOEXEC);
        CHECK(fcntl(alarm->descriptor(), F_GETFD) == FD_CLOEXEC);
        const int still = open("/dev/null", O_RDONLY | O_CLOEXEC);
        CHECK(still == next);
        close(still);
    }
    CHECK(fcntl(*number, F_GETFD) == -1);
}

TEST_CASE("a counter that was moved is closed once") {
    if (!can_count()) return;
    auto first = Counter::open(page_faults);
    auto second = Counter::open(page_faults);
    REQUIRE((first && second));
    const int one = first->descriptor();
    const int other = second->descriptor();
    *first = std::move(*second);
    CHECK(first->descriptor() == other);
    CHECK(fcntl(one, F_GETFD) == -1);
    const Counter third(std::move(*first));
    CHECK(third.descriptor() == other);
    CHECK(third.read());
    CHECK_FALSE(first->read());
}

TEST_CASE("errno is left alone") {
    errno = 77;
    {
        const auto counter = Counter::open(page_faults);
        if (counter) {
            [[maybe_unused]] const auto count = counter->read();
        }
        const auto refused = Counter::open({.type = PERF_TYPE_SOFTWARE, .config = 0xffff});
        CHECK_FALSE(refused);
    }
    CHECK(errno == 77);
}

TEST_CASE("another thread's counter can be read where it runs") {
    if (!can_count()) return;
    std::atomic<const Counter*> theirs{nullptr};
    std::atomic<bool> read{false};
    std::thread other([&] {
        const auto counter = Counter::open(page_faults);
        fault(100);
        theirs = &*counter;
        while (!read)
            std::this_thread::yield();
    });
    while (theirs == nullptr)
        std::this_thread::yield();
    const auto count = theirs.load()->read_from_elsewhere();
    read = true;
    other.join();
    REQUIRE(count);
    CHECK(*count >= 100);
}

namespace {

std::atomic<int> signals{0};
Alarm* ringing = nullptr;
void came(int, siginfo_t* information, void*) {
    if (ringing->sent(*information)) signals.fetch_add(1);
}

}  // namespace

TEST_CASE("an alarm comes once for each time that it is set") {
    if (!can_count()) return;
    const int signal = SIGRTMIN + 2;
    auto alarm = Alarm::open(page_faults, signal);
    REQUIRE(alarm);
    ringing = &*alarm;
    struct sigaction action {};
    action.sa_sigaction = came;
    action.sa_flags = SA_SIGINFO;
    struct sigaction before {};
    REQUIRE(sigaction(signal, &action, &before) == 0);
    const auto rings = [](std::size_t faults) {
        signals = 0;
        fault(faults);
        return signals.load();
    };
    CHECK(rings(100) == 0);
    REQUIRE(alarm->set(50));
    CHECK(rings(30) == 0);
    CHECK(rings(200) == 1);
    CHECK(rings(200) == 0);
    REQUIRE(alarm->set(50));
    alarm->cancel();
    CHECK(rings(200) == 0);
    // What was set last counts, and no other: neither what was set before nor what was called off.
    REQUIRE(alarm->set(10));
    REQUIRE(alarm->set(400));
    CHECK(rings(200) == 0);
    CHECK(rings(1000) == 1);
    CHECK(rings(1000) == 0);
    const auto nothing = alarm->set(0);
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().error == EINVAL);
    ringing = nullptr;
    sigaction(signal, &before, nullptr);
}

TEST_CASE("a signal of the same number from elsewhere is not the alarm's") {
    if (!can_count()) return;
    auto alarm = Alarm::open(page_faults, SIGRTMIN + 2);
    REQUIRE(alarm);
    siginfo_t information{};
    information.si_signo = SIGRTMIN + 2;
    information.si_code = SI_QUEUE;
    information.si_fd = alarm->descriptor();
    CHECK_FALSE(alarm->sent(information));
    information.si_code = POLL_HUP;
    CHECK(alarm->sent(information));
    information.si_fd = alarm->descriptor() + 1;
    CHECK_FALSE(alarm->sent(information));
}
