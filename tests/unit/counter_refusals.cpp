// Hosts that refuse: each way is told from the others.
#include <escapement/counter.hpp>
#include <escapement/counter_check.hpp>
#include <escapement/event.hpp>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <functional>

using namespace escapement;

namespace {

constexpr EventCode page_faults{.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS};
constexpr EventCode instructions{.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS};

struct Refused {
    CounterFailure failure;
    std::string text;
    bool refused = false;
};

/// Opens in a process of its own, which `prepare` may do anything to.
Refused refused_after(const std::function<bool()>& prepare, const EventCode& event = page_faults) {
    struct Answer {
        int refusal = -1;
        int error = 0;
        char text[600] = {};
    };
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        Answer answer;
        if (prepare()) {
            const auto counter = Counter::open(event);
            answer.refusal = -2;
            if (!counter) {
                answer.refusal = static_cast<int>(counter.error().refusal);
                answer.error = counter.error().error;
                // The sanitizers need a pipe of their own, and take an object for none if they get none.
                for (int file = 8; file < 16; ++file)
                    if (answer.refusal == static_cast<int>(Refusal::too_many_files) && file != ends[1])
                        close(file);
                explain(counter.error(), {.name = "CLOCK", .code = event})
                    .copy(answer.text, sizeof answer.text - 1);
            }
        }
        [[maybe_unused]] const auto written = write(ends[1], &answer, sizeof answer);
        _exit(0);
    }
    close(ends[1]);
    Answer answer;
    const auto length = read(ends[0], &answer, sizeof answer);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    REQUIRE(length == sizeof answer);
    REQUIRE(answer.refusal != -1);  // it could not be prepared
    return {.failure = {.refusal = static_cast<Refusal>(answer.refusal), .error = answer.error},
            .text = answer.text,
            .refused = answer.refusal >= 0};
}

/// From here on perf_event_open fails with `error`.
bool forbid(unsigned error) {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{.len = 4, .filter = program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

TEST_CASE("a seccomp filter is told as one, whatever it answers") {
    const auto forbidden = refused_after([] { return forbid(EPERM); });
    REQUIRE(forbidden.refused);
    CHECK(forbidden.failure.refusal == Refusal::forbidden);
    CHECK(forbidden.failure.error == EPERM);
    CHECK(forbidden.text.find("a seccomp filter forbids perf_event_open") != std::string::npos);
    const auto unsupported = refused_after([] { return forbid(ENOSYS); });
    REQUIRE(unsupported.refused);
    CHECK(unsupported.failure.refusal == Refusal::no_support);
    CHECK(unsupported.text.find("a seccomp filter answers") != std::string::npos);
}

TEST_CASE("each answer of the kernel is a refusal of its own") {
    constexpr std::pair<unsigned, Refusal> answers[] = {
        {EACCES, Refusal::paranoid},       {EBUSY, Refusal::taken},           {ENOSPC, Refusal::taken},
        {EMFILE, Refusal::too_many_files}, {ENFILE, Refusal::too_many_files}, {ENOMEM, Refusal::no_memory},
        {EFAULT, Refusal::other},
    };
    for (const auto& [error, refusal] : answers) {
        const auto refused = refused_after([error = error] { return forbid(error); });
        CAPTURE(error);
        REQUIRE(refused.refused);
        CHECK(refused.failure.refusal == refusal);
        CHECK(refused.failure.error == static_cast<int>(error));
    }
    // No counter at all, as opposed to none for this event.
    for (const unsigned error : {unsigned{ENOENT}, unsigned{ENODEV}, unsigned{EOPNOTSUPP}}) {
        const auto refused = refused_after([error] { return forbid(error); }, instructions);
        REQUIRE(refused.refused);
        CHECK(refused.failure.refusal == Refusal::no_pmu);
        CHECK(refused.text.find("there are no hardware counters") != std::string::npos);
    }
    const auto unknown = refused_after([] { return forbid(ENOENT); });
    CHECK(unknown.failure.refusal == Refusal::unknown_event);
}

TEST_CASE("no descriptor left is told with the limit") {
    const auto refused = refused_after([] {
        const rlimit limit{.rlim_cur = 16, .rlim_max = 32};
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
        while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
        }
        return errno == EMFILE;
    });
    REQUIRE(refused.refused);
    CHECK(refused.failure.refusal == Refusal::too_many_files);
    CHECK(refused.text.find("ulimit -n is 16 (at most 32)") != std::string::npos);
}

TEST_CASE("with few descriptors left a low one will do") {
    const auto opened = refused_after([] {
        const rlimit limit{.rlim_cur = 24, .rlim_max = 24};
        return setrlimit(RLIMIT_NOFILE, &limit) == 0;
    });
    if (opened.refused) WARN(opened.text);
    CHECK(opened.failure.refusal != Refusal::too_many_files);
}

TEST_CASE("an event that there is not is told as one") {
    const auto counter = Counter::open({.type = PERF_TYPE_SOFTWARE, .config = 0xffff});
    REQUIRE_FALSE(counter);
    if (counter.error().refusal == Refusal::forbidden || counter.error().refusal == Refusal::paranoid) {
        WARN("this host refuses every event, so none for being unknown: skipped");
        return;
    }
    CHECK(counter.error().refusal == Refusal::unknown_event);
    CHECK_FALSE(Alarm::open({.type = PERF_TYPE_SOFTWARE, .config = 0xffff}, SIGRTMIN));
}

TEST_CASE("what counts other things than code is no clock") {
    const Event event{.name = "page faults", .code = page_faults};
    const auto report = check_clock(event);
    if (!report) {
        WARN(explain(report.error(), event));
        return;
    }
    CHECK_FALSE(report->passed());
    CHECK(report->failure().find("counts: page faults counted ") == 0);
    CHECK(report->checks.size() == 10);
    const auto alarm = check_alarm(event, event, 100);
    REQUIRE(alarm);
    CHECK_FALSE(alarm->passed());
    CHECK(alarm->failure().find("alarm comes: set to come after 1000, it has not come") == 0);
}
