#include <escapement/known_code.hpp>

#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

using namespace escapement;

namespace {

/// Stops, runs the code and ends, with nothing of a sanitizer's between: ThreadSanitizer chooses at random
/// what it forgets of earlier accesses, and what it does at the next depends on that.
[[noreturn]] __attribute__((no_sanitize("thread", "address", "undefined"))) void run_and_end(
    decltype(KnownCode::run) run, Count n) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
    run(n);
    syscall(SYS_exit_group, 0);
    __builtin_unreachable();
}

/// Steps of a process that runs the code and ends.
long steps_of(const KnownCode& code, Count n) {
    const pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        run_and_end(code.run, n);
    }
    int status = 0;
    long steps = 0;
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) break;
        ++steps;
    }
    REQUIRE(WIFEXITED(status));
    return steps;
}

}  // namespace

TEST_CASE("known code has as many instructions as it says") {
    for (const KnownCode& code : known_code()) {
        // A repeated string instruction is many steps; a store exclusive fails at each.
        if (!code.available() || code.name == std::string("repeated strings") || code.again != KnownCounts{})
            continue;
        CAPTURE(code.name);
        CHECK(steps_of(code, 21) - steps_of(code, 1) ==
              counts_of(code, 21).instructions - counts_of(code, 1).instructions);
    }
    if (const KnownCode* const code = known_code_between_cpuids()) {
        const auto steps = steps_of(*code, 21) - steps_of(*code, 1);
        // Some hypervisors forget the trap behind CPUID, of which there are two.
        CHECK((steps == 20 * code->each.instructions || steps == 20 * (code->each.instructions - 2)));
    }
}

TEST_CASE("the kinds of a code's branches fit together") {
    for (const KnownCode& code : known_code()) {
        CAPTURE(code.name);
        for (const Count n : {Count{1}, Count{1000}}) {
            const KnownCounts counts = counts_of(code, n);
            CHECK(counts.taken >= 0);
            CHECK(counts.not_taken >= 0);
            CHECK(counts.conditional() == counts.taken + counts.not_taken);
            CHECK(counts.branches() == counts.conditional() + counts.jumps);
            CHECK(counts.instructions >= counts.branches());
        }
        CHECK(code.run(1000) * 0 == 0);
    }
}
