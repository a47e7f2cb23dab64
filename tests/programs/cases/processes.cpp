// Child processes: forked with threads, spawned, waited for while others work.

#include "posix_thread.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

using namespace cases;

namespace {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;

int status_of(pid_t child) {
    int status = -1;
    REQUIRE_THAT(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// Threads that take both locks, the one within the other, until told to stop.
class Busy {
  public:
    Busy() {
        for (unsigned number = 0; number < 3; ++number) {
            threads_.push_back(start([this] {
                while (!stop_) {
                    pthread_mutex_lock(&mutex);
                    pthread_mutex_lock(&other);
                    work(50);
                    pthread_mutex_unlock(&other);
                    pthread_mutex_unlock(&mutex);
                    sched_yield();
                }
            }));
        }
    }
    ~Busy() {
        stop_ = true;
        for (const pthread_t thread : threads_)
            pthread_join(thread, nullptr);
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

  private:
    std::atomic<bool> stop_{false};
    std::vector<pthread_t> threads_;
};

/// The child is alone, goes on with the locks that it holds, and may have threads of its own.
void forked() {
    const Busy busy;
    for (int round = 0; round < 5; ++round) {
        pthread_mutex_lock(&mutex);
        const pid_t child = fork();
        if (child == 0) {
            pthread_mutex_unlock(&mutex);
            unsigned sum = 0;
            together(3, [&](unsigned number) {
                for (unsigned each = 0; each < 100; ++each) {
                    pthread_mutex_lock(&mutex);
                    sum += number;
                    pthread_mutex_unlock(&mutex);
                    sleep_ms(1);
                }
            });
            const pid_t grandchild = fork();
            if (grandchild == 0) _exit(3);
            _exit(sum == 600 && status_of(grandchild) == 3 ? 7 : 8);
        }
        pthread_mutex_unlock(&mutex);
        result("child", status_of(child));
    }
}

/// The way that makes locks usable in a child: hold all of them while forking.
void with_handlers() {
    static unsigned prepared = 0;
    pthread_atfork(
        [] {
            pthread_mutex_lock(&mutex);
            pthread_mutex_lock(&other);
            ++prepared;
        },
        [] {
            pthread_mutex_unlock(&other);
            pthread_mutex_unlock(&mutex);
        },
        [] {
            pthread_mutex_unlock(&other);
            pthread_mutex_unlock(&mutex);
        });
    const Busy busy;
    for (int round = 0; round < 10; ++round) {
        const pid_t child = fork();
        if (child == 0) {
            pthread_mutex_lock(&mutex);
            pthread_mutex_lock(&other);
            _exit(5);
        }
        result("child", status_of(child));
    }
    result("prepared", prepared);
}

void started() {
    const Busy busy;
    for (int round = 0; round < 2; ++round) {
        const pid_t forked_child = fork();
        if (forked_child == 0) {
            execl("/bin/sh", "sh", "-c", "exit 4", nullptr);
            _exit(99);
        }
        result("fork and exec", status_of(forked_child));
        const pid_t vforked = vfork();
        if (vforked == 0) {
            execl("/bin/sh", "sh", "-c", "exit 5", nullptr);
            _exit(99);
        }
        result("vfork and exec", status_of(vforked));
        const pid_t failing = vfork();
        if (failing == 0) {
            execl("/no/such/program", "none", nullptr);
            _exit(6);
        }
        result("vfork, no exec", status_of(failing));
        pid_t spawned = 0;
        const char* const arguments[] = {"sh", "-c", "exit 7", nullptr};
        REQUIRE_THAT(posix_spawn(&spawned, "/bin/sh", nullptr, nullptr, const_cast<char* const*>(arguments),
                                 environ) == 0);
        result("posix_spawn", status_of(spawned));
        result("system", WEXITSTATUS(system("sleep 0.4; exit 8")));
        result("system of nothing", WEXITSTATUS(system("/no/such/program 2> /dev/null")));
        result("system at all", system(nullptr) != 0 ? 1 : 0);
        FILE* const stream = popen("echo hello; exit 9", "r");
        char line[32] = "";
        REQUIRE_THAT(stream != nullptr && std::fgets(line, sizeof line, stream) != nullptr);
        std::printf("popen: %s", line);
        result("pclose", WEXITSTATUS(pclose(stream)));
    }
}

/// One thread waits for a child that lives until another thread, which needs turns for it, lets it end.
void waited_for() {
    int ends[2];
    REQUIRE_THAT(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        char byte = 0;
        const ssize_t got = read(ends[0], &byte, 1);
        _exit(got == 1 ? 11 : 12);
    }
    const pthread_t waiter = start([child] {
        siginfo_t information{};
        REQUIRE_THAT(waitid(P_PID, static_cast<id_t>(child), &information, WEXITED | WNOWAIT) == 0);
        result("waitid", information.si_status);
        result("waitpid", status_of(child));
    });
    together(3, [](unsigned number) {
        for (unsigned round = 0; round < 200; ++round) {
            pthread_mutex_lock(&mutex);
            trail(number);
            pthread_mutex_unlock(&mutex);
        }
    });
    REQUIRE_THAT(waitpid(child, nullptr, WNOHANG) == 0);
    REQUIRE_THAT(write(ends[1], "x", 1) == 1);
    pthread_join(waiter, nullptr);
    REQUIRE_THAT(waitpid(child, nullptr, 0) == -1 && errno == ECHILD);
    print_trail();
}

/// The C library forks by itself here.
void daemonized() {
    int ends[2];
    REQUIRE_THAT(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        if (daemon(1, 1) != 0) _exit(1);
        struct sigaction action {};
        action.sa_handler = [](int) {};
        sigaction(SIGUSR1, &action, nullptr);
        unsigned sum = 0;
        together(3, [&](unsigned number) {
            pthread_mutex_lock(&mutex);
            sum += number;
            pthread_mutex_unlock(&mutex);
        });
        raise(SIGUSR1);
        const char byte = static_cast<char>('0' + sum);
        REQUIRE_THAT(write(ends[1], &byte, 1) == 1);
        _exit(0);
    }
    result("parent of the daemon", status_of(child));
    close(ends[1]);
    char byte = 0;
    REQUIRE_THAT(read(ends[0], &byte, 1) == 1);
    result("from the daemon", byte - '0');
    REQUIRE_THAT(read(ends[0], &byte, 1) == 0);
}

/// Whichever ends first, by whichever call: a host's choice, and another in each run.
void any_of_them() {
    constexpr int count = 8;
    for (int number = 1; number <= count; ++number) {
        if (fork() != 0) continue;
        const timespec time{.tv_sec = 0, .tv_nsec = getpid() % 1000 * 7919 % 10 * 1'000'000};
        syscall(SYS_nanosleep, &time, nullptr);  // by the host's clock
        _exit(number);
    }
    for (int ended = 0; ended < count; ++ended) {
        int status = 0;
        siginfo_t information{};
        if (ended % 2 == 0) {
            REQUIRE_THAT(wait(&status) > 0);
            order("ended", WEXITSTATUS(status));
        } else {
            REQUIRE_THAT(waitid(P_ALL, 0, &information, WEXITED) == 0);
            order("ended", information.si_status);
        }
    }
    REQUIRE_THAT(wait(nullptr) == -1 && errno == ECHILD);
}

constexpr Scenario scenarios[] = {
    {"forked", forked},         {"with-handlers", with_handlers}, {"started", started},
    {"waited-for", waited_for}, {"daemonized", daemonized},       {"any-of-them", any_of_them},
};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
