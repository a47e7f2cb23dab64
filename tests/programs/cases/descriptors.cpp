// Waiting for descriptors, between the threads of one process.

#include "posix_thread.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

using namespace cases;

namespace {

struct Pipe {
    Pipe() { REQUIRE_THAT(pipe(ends) == 0); }
    ~Pipe() {
        close(ends[0]);
        close(ends[1]);
    }
    int ends[2]{};
};

/// One thread waits for three pipes by `wait_for`, three write to them; more than a pipe holds.
template <typename Wait>
void pipes(Wait wait_for) {
    static Pipe all[3];
    std::vector<pthread_t> writers;
    for (unsigned number = 0; number < 3; ++number) {
        writers.push_back(start([number] {
            for (unsigned round = 0; round < 100; ++round) {
                const auto byte = static_cast<char>(number + 1);
                REQUIRE_THAT(write(all[number].ends[1], &byte, 1) == 1);
                if (round % 20 == number) sleep_ms(1 + number);
            }
        }));
    }
    int ends[3] = {all[0].ends[0], all[1].ends[0], all[2].ends[0]};
    unsigned sum = 0;
    for (unsigned got = 0; got < 300;) {
        for (const int ready : wait_for(ends)) {
            char byte = 0;
            REQUIRE_THAT(read(ready, &byte, 1) == 1);
            trail(static_cast<unsigned>(byte));
            sum += static_cast<unsigned>(byte);
            ++got;
        }
    }
    for (const pthread_t writer : writers)
        pthread_join(writer, nullptr);
    result("sum", sum);
    print_trail();
}

template <typename Poll>
std::vector<int> polled(const int* ends, Poll call) {
    pollfd descriptors[3];
    for (int each = 0; each < 3; ++each)
        descriptors[each] = {.fd = ends[each], .events = POLLIN, .revents = 0};
    REQUIRE_THAT(call(descriptors) > 0);
    std::vector<int> ready;
    for (const pollfd& each : descriptors)
        if ((each.revents & POLLIN) != 0) ready.push_back(each.fd);
    return ready;
}

void by_poll() {
    pipes([](const int* ends) { return polled(ends, [](pollfd* all) { return poll(all, 3, -1); }); });
}

void by_ppoll() {
    pipes([](const int* ends) {
        const timespec time{.tv_sec = 1000, .tv_nsec = 0};
        return polled(ends, [&](pollfd* all) { return ppoll(all, 3, &time, nullptr); });
    });
}

template <typename Select>
std::vector<int> selected(const int* ends, Select call) {
    fd_set set;
    FD_ZERO(&set);
    int end = 0;
    for (int each = 0; each < 3; ++each) {
        FD_SET(ends[each], &set);
        end = std::max(end, ends[each] + 1);
    }
    REQUIRE_THAT(call(end, &set) > 0);
    std::vector<int> ready;
    for (int each = 0; each < 3; ++each)
        if (FD_ISSET(ends[each], &set)) ready.push_back(ends[each]);
    return ready;
}

void by_select() {
    pipes([](const int* ends) {
        timeval time{.tv_sec = 1000, .tv_usec = 0};
        return selected(ends,
                        [&](int end, fd_set* set) { return select(end, set, nullptr, nullptr, &time); });
    });
}

void by_pselect() {
    pipes([](const int* ends) {
        return selected(ends, [&](int end, fd_set* set) {
            return pselect(end, set, nullptr, nullptr, nullptr, nullptr);
        });
    });
}

void by_epoll() {
    static const int epoll = epoll_create1(0);
    pipes([](const int* ends) {
        static bool added = false;
        for (int each = 0; each < 3 && !added; ++each) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.fd = ends[each];
            REQUIRE_THAT(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[each], &event) == 0);
        }
        added = true;
        epoll_event events[2];
        const int count = epoll_wait(epoll, events, 2, -1);
        REQUIRE_THAT(count > 0);
        std::vector<int> ready;
        for (int each = 0; each < count; ++each)
            ready.push_back(events[each].data.fd);
        return ready;
    });
}

/// Blocking reads and writes in a ring, more than a pipe holds at once.
void blocking() {
    static Pipe there;
    static Pipe back;
    constexpr std::size_t total = 1U << 20U;
    const pthread_t echo = start([] {
        char buffer[5000];
        std::size_t got = 0;
        while (got < total) {
            const ssize_t part = read(there.ends[0], buffer, sizeof buffer);
            REQUIRE_THAT(part > 0);
            trail(1);
            for (ssize_t done = 0; done < part;) {
                const ssize_t wrote =
                    write(back.ends[1], buffer + done, static_cast<std::size_t>(part - done));
                REQUIRE_THAT(wrote > 0);
                done += wrote;
            }
            got += static_cast<std::size_t>(part);
        }
    });
    const pthread_t writer = start([] {
        std::vector<char> data(total / 8, 'x');
        for (int part = 0; part < 8; ++part) {
            REQUIRE_THAT(write(there.ends[1], data.data(), data.size()) == static_cast<ssize_t>(data.size()));
            trail(2);
        }
    });
    std::size_t got = 0;
    char buffer[3000];
    while (got < total) {
        const ssize_t part = read(back.ends[0], buffer, sizeof buffer);
        REQUIRE_THAT(part > 0);
        trail(3);
        got += static_cast<std::size_t>(part);
    }
    pthread_join(echo, nullptr);
    pthread_join(writer, nullptr);
    result("bytes", static_cast<long long>(got));
    print_trail();
}

void eventfds() {
    static const int counter = eventfd(0, 0);
    static const int semaphore = eventfd(0, EFD_SEMAPHORE);
    static std::uint64_t sum = 0;
    together(4, [](unsigned number) {
        for (unsigned round = 0; round < 50; ++round) {
            std::uint64_t value = 1;
            if (number == 1) {
                REQUIRE_THAT(write(counter, &value, sizeof value) == sizeof value);
                value = 2;
                REQUIRE_THAT(write(semaphore, &value, sizeof value) == sizeof value);
                if (round % 5 == 0) sched_yield();
            } else if (number == 2) {
                pollfd ready{.fd = counter, .events = POLLIN, .revents = 0};
                REQUIRE_THAT(poll(&ready, 1, 1000000) >= 0);
                if (ready.revents != 0 && read(counter, &value, sizeof value) == sizeof value) sum += value;
                if (sum == 50) break;
            } else {
                REQUIRE_THAT(read(semaphore, &value, sizeof value) == sizeof value);
            }
            trail(number);
        }
    });
    result("sum", static_cast<long long>(sum));
    print_trail();
}

/// A server with three clients in one process: over the loopback, or by a name in the file system's stead.
void sockets(int family) {
    static int listener;
    static sockaddr_storage address;
    static socklen_t length;
    static int used_family;
    used_family = family;
    listener = socket(family, SOCK_STREAM, 0);
    length = sizeof address;
    if (family == AF_INET) {
        sockaddr_in local{};
        local.sin_family = AF_INET;
        local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE_THAT(bind(listener, reinterpret_cast<sockaddr*>(&local), sizeof local) == 0);
    } else {
        const sa_family_t local = AF_UNIX;  // the kernel chooses an abstract name
        REQUIRE_THAT(bind(listener, reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0);
    }
    REQUIRE_THAT(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    REQUIRE_THAT(listen(listener, 16) == 0);
    static std::atomic<unsigned> sum{0};
    const pthread_t server = start([] {
        std::vector<pthread_t> sessions;
        for (int client = 0; client < 6; ++client) {
            const int connection = accept(listener, nullptr, nullptr);
            REQUIRE_THAT(connection >= 0);
            const int on = 1;
            REQUIRE_THAT(used_family != AF_INET ||
                         setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
            sessions.push_back(start([connection] {
                char byte = 0;
                while (recv(connection, &byte, 1, 0) == 1) {
                    trail(10U + static_cast<unsigned>(byte));
                    ++byte;
                    REQUIRE_THAT(send(connection, &byte, 1, MSG_NOSIGNAL) == 1);
                }
                close(connection);
            }));
        }
        for (const pthread_t session : sessions)
            pthread_join(session, nullptr);
    });
    together(3, [](unsigned number) {
        for (int each = 0; each < 2; ++each) {
            const int connection = socket(used_family, SOCK_STREAM, 0);
            REQUIRE_THAT(connect(connection, reinterpret_cast<sockaddr*>(&address), length) == 0);
            for (unsigned round = 0; round < 10; ++round) {
                auto byte = static_cast<char>(number);
                REQUIRE_THAT(send(connection, &byte, 1, MSG_NOSIGNAL) == 1);
                REQUIRE_THAT(recv(connection, &byte, 1, 0) == 1);
                sum += static_cast<unsigned>(byte);
                trail(number);
            }
            close(connection);
        }
    });
    pthread_join(server, nullptr);
    result("sum", sum);
    print_trail();
}

/// A signal that was blocked comes when the mask of the wait lets it: the wait ends at once.
void masked() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, nullptr);
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    const pthread_t other = start([] { sleep_ms(1); });
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    for (int round = 0; round < 4; ++round) {
        Pipe quiet;
        raise(SIGUSR1);
        pollfd descriptor{.fd = quiet.ends[0], .events = POLLIN, .revents = 0};
        if (round % 2 == 0) {
            REQUIRE_THAT(ppoll(&descriptor, 1, nullptr, &before) == -1 && errno == EINTR);
        } else {
            fd_set set;
            FD_ZERO(&set);
            FD_SET(quiet.ends[0], &set);
            REQUIRE_THAT(pselect(quiet.ends[0] + 1, &set, nullptr, nullptr, nullptr, &before) == -1 &&
                         errno == EINTR);
        }
        result("interrupted", round);
    }
    pthread_join(other, nullptr);
}

/// For three tenths of a second somebody might connect.
void listening(bool with_epoll) {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE_THAT(listen(listener, 1) == 0);
    const int epoll = epoll_create1(0);
    epoll_event event{.events = EPOLLIN, .data = {}};
    REQUIRE_THAT(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) == 0);
    pollfd descriptor{.fd = listener, .events = POLLIN, .revents = 0};
    for (int tick = 0; tick < 3; ++tick)
        REQUIRE_THAT((with_epoll ? epoll_wait(epoll, &event, 1, 100) : poll(&descriptor, 1, 100)) == 0);
}

constexpr Scenario scenarios[] = {
    {"poll", by_poll},
    {"ppoll", by_ppoll},
    {"select", by_select},
    {"pselect", by_pselect},
    {"epoll", by_epoll},
    {"blocking", blocking},
    {"eventfds", eventfds},
    {"loopback", [] { sockets(AF_INET); }},
    {"local-sockets", [] { sockets(AF_UNIX); }},
    {"masked", masked},
    {"listening-poll", [] { listening(false); }},
    {"listening-epoll", [] { listening(true); }},
};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
