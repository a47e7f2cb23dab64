// Calls that programs make more seldom: each once, with somebody who has to wait for it.

#include "handlers.hpp"
#include "posix_thread.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

using cases::join;
using cases::result;
using cases::sleep_ms;
using cases::start;

namespace {

int wait_for_child(pid_t child) {
    int status = 0;
    REQUIRE_THAT(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void executes() {
    const std::array<char*, 4> words = {const_cast<char*>("sh"), const_cast<char*>("-c"),
                                        const_cast<char*>("exit ${WITH:-3}"), nullptr};
    const std::array<char*, 2> with = {const_cast<char*>("WITH=4"), nullptr};
    const auto in_child = [&](auto become) {
        const pid_t child = fork();
        REQUIRE_THAT(child >= 0);
        if (child == 0) {
            become();
            _exit(errno == ENOENT ? 90 : 91);
        }
        return wait_for_child(child);
    };
    result("execvp", in_child([&] { execvp("sh", words.data()); }));
    result("execvpe", in_child([&] { execvpe("sh", words.data(), with.data()); }));
    result("fexecve", in_child([&] {
               const int shell = open("/bin/sh", O_RDONLY | O_CLOEXEC);
               fexecve(shell, words.data(), with.data());
           }));
    result("execlp", in_child([] { execlp("sh", "sh", "-c", "exit ${WITH:-6}", nullptr); }));
    result("execle",
           in_child([&] { execle("/bin/sh", "sh", "-c", "exit ${WITH:-6}", nullptr, with.data()); }));
    result("execvp of nothing", in_child([&] { execvp("no such program", words.data()); }));
    result("_Exit", in_child([] { std::_Exit(5); }));
}

std::atomic<int> value_seen{0};
std::atomic<int> seen{0};

void note_value(int /*signal*/, siginfo_t* information, void* /*context*/) {
    value_seen.store(information->si_value.sival_int);
    seen.fetch_add(1);
}

void note(int /*signal*/) {
    seen.fetch_add(1);
}

void queued_signals() {
    struct sigaction action {};
    action.sa_sigaction = note_value;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGRTMIN + 1, &action, nullptr);
    sigval value{};
    value.sival_int = 11;
    result("sigqueue", sigqueue(getpid(), SIGRTMIN + 1, value));
    result("came", value_seen.load());
    std::atomic<bool> over{false};
    const pthread_t waiter = start([&] {
        while (!over.load())
            sleep_ms(1);
        cases::trail(static_cast<unsigned>(value_seen.load()));
    });
    value.sival_int = 22;
    result("pthread_sigqueue", pthread_sigqueue(waiter, SIGRTMIN + 1, value));
    while (value_seen.load() != 22)
        sleep_ms(1);
    over.store(true);
    join(waiter);
    const auto before = signal(SIGUSR1, note);
    result("signal, before", before == SIG_DFL);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR1);
    result("seen", seen.load());
    result("signal, again", signal(SIGUSR1, SIG_IGN) == note);
    raise(SIGUSR1);
    result("ignored", seen.load());
    result("signal, wrong", signal(SIGKILL, note) == SIG_ERR);
    cases::print_trail();
}

std::atomic<std::uint32_t> gate{0};
std::atomic<std::uint32_t> yard{0};

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, unsigned long most,
           std::atomic<std::uint32_t>* other, std::uint32_t expected) {
    return syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, most, other, expected);
}

void requeued() {
    std::atomic<int> waiting{0};
    std::vector<pthread_t> threads;
    for (unsigned number = 1; number <= 4; ++number) {
        threads.push_back(start([&, number] {
            waiting.fetch_add(1);
            REQUIRE_THAT(futex(gate, FUTEX_WAIT, 0, 0, nullptr, 0) == 0);
            cases::trail(number);
        }));
    }
    while (waiting.load() < 4)
        sleep_ms(1);
    sleep_ms(5);
    result("another value", futex(gate, FUTEX_CMP_REQUEUE, 1, 1, &yard, 9));
    result("errno", errno == EAGAIN);
    result("woken and moved", futex(gate, FUTEX_CMP_REQUEUE, 1, 2, &yard, 0));
    result("woken or moved", futex(gate, FUTEX_REQUEUE, 0, 1, &yard, 0) >= 0);
    result("left at the gate", futex(gate, FUTEX_WAKE, 9, 0, nullptr, 0));
    result("woken in the yard", futex(yard, FUTEX_WAKE, 9, 0, nullptr, 0));
    for (const pthread_t thread : threads)
        join(thread);
    cases::print_trail();
}

mtx_t lock;
cnd_t changed;
int stage = 0;

int advance_stage(void* /*nothing*/) {
    mtx_lock(&lock);
    ++stage;
    cnd_signal(&changed);
    mtx_unlock(&lock);
    return 0;
}

void standard_threads() {
    REQUIRE_THAT(mtx_init(&lock, mtx_timed) == thrd_success && cnd_init(&changed) == thrd_success);
    thrd_t thread{};
    mtx_lock(&lock);
    REQUIRE_THAT(thrd_create(&thread, advance_stage, nullptr) == thrd_success);
    result("thrd_detach", thrd_detach(thread));
    while (stage == 0)
        cnd_wait(&changed, &lock);
    result("stage", stage);
    thrd_t other{};
    REQUIRE_THAT(thrd_create(
                     &other,
                     [](void*) {
                         const timespec soon = cases::after_ms(CLOCK_REALTIME, 5);
                         return mtx_timedlock(&lock, &soon);
                     },
                     nullptr) == thrd_success);
    int ended = 0;
    REQUIRE_THAT(thrd_join(other, &ended) == thrd_success);
    result("mtx_timedlock of one that is held", ended == thrd_timedout);
    mtx_unlock(&lock);
    const timespec later = cases::after_ms(CLOCK_REALTIME, 1000);
    result("mtx_timedlock", mtx_timedlock(&lock, &later));
    mtx_unlock(&lock);
}

void files_and_times() {
    const int file = openat64(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
    result("openat64", file >= 0);
    close(file);
    const int random = openat64(AT_FDCWD, "/dev/urandom", O_RDONLY | O_CLOEXEC);
    std::uint32_t number = 0;
    REQUIRE_THAT(read(random, &number, sizeof number) == sizeof number);
    cases::order("number", number);
    const int moved = open64("/dev/urandom", O_RDONLY | O_CLOEXEC);
    REQUIRE_THAT(read(moved, &number, sizeof number) == sizeof number);
    cases::order("number", number);
    tms used{};
    const clock_t before = times(&used);
    sleep_ms(50);
    const clock_t after = times(nullptr);
    result("times", after - before >= 4 && after - before < 500);
    cases::order("ticks", after - before);
}

}  // namespace

int main(int argc, char** argv) {
    constexpr cases::Scenario scenarios[] = {
        {"executes", executes},
        {"queued-signals", queued_signals},
        {"requeued", requeued},
        {"standard-threads", standard_threads},
        {"files-and-times", files_and_times},
    };
    return cases::choose(scenarios, argc, argv);
}
