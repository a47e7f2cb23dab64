// Calls on sockets, and waits for them, with somebody who has to wait: each once.

#include "posix_thread.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <vector>

using cases::join;
using cases::result;
using cases::sleep_ms;
using cases::start;

namespace {

struct Pair {
    int ends[2] = {-1, -1};
    Pair() { REQUIRE_THAT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }
};

/// Not known to the compiler, which would call the unchecked function.
std::size_t unknown(std::size_t size) {
    volatile std::size_t hidden = size;
    return hidden;
}

void checked_sizes() {
    const Pair pair;
    const pthread_t writer = start([&] {
        for (int each = 0; each < 5; ++each) {
            sleep_ms(2);
            REQUIRE_THAT(write(pair.ends[1], "four", 4) == 4);
        }
    });
    std::array<char, 16> text{};
    pollfd descriptors[2] = {{.fd = pair.ends[0], .events = POLLIN, .revents = 0},
                             {.fd = -1, .events = 0, .revents = 0}};
    result("poll", poll(descriptors, unknown(2), -1));
    result("read", read(pair.ends[0], text.data(), unknown(4)));
    const timespec second{.tv_sec = 1, .tv_nsec = 0};
    result("ppoll", ppoll(descriptors, unknown(2), &second, nullptr));
    result("recv", recv(pair.ends[0], text.data(), unknown(4), 0));
    result("recvfrom", recvfrom(pair.ends[0], text.data(), unknown(4), 0, nullptr, nullptr));
    result("recv, peeked", recv(pair.ends[0], text.data(), unknown(4), MSG_PEEK));
    result("recvfrom, all", recvfrom(pair.ends[0], text.data(), unknown(8), MSG_WAITALL, nullptr, nullptr));
    result("recvfrom, at once",
           recvfrom(pair.ends[0], text.data(), unknown(8), MSG_DONTWAIT, nullptr, nullptr));
    std::printf("%s\n", text.data());
    join(writer);
}

void datagrams() {
    const int receiver = socket(AF_INET, SOCK_DGRAM, 0);
    const int sender = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof place;
    REQUIRE_THAT(bind(receiver, reinterpret_cast<sockaddr*>(&place), length) == 0);
    REQUIRE_THAT(getsockname(receiver, reinterpret_cast<sockaddr*>(&place), &length) == 0);
    const pthread_t thread = start([&] {
        for (const char* const text : {"one", "three"}) {
            sleep_ms(2);
            REQUIRE_THAT(sendto(sender, text, std::strlen(text), 0, reinterpret_cast<sockaddr*>(&place),
                                sizeof place) > 0);
        }
    });
    char text[16] = {};
    sockaddr_in from{};
    length = sizeof from;
    result("recvfrom", recvfrom(receiver, text, sizeof text, 0, reinterpret_cast<sockaddr*>(&from), &length));
    result("address", from.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && length == sizeof from);
    iovec part{.iov_base = text, .iov_len = sizeof text};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    result("recvmsg", recvmsg(receiver, &message, 0));
    result("address's length", message.msg_namelen);
    result("nothing, at once", recvfrom(receiver, text, sizeof text, MSG_DONTWAIT, nullptr, nullptr));
    result("errno", errno == EAGAIN);
    join(thread);
}

/// Several datagrams in one call; a thread sends them, some of them late.
void several_messages() {
    int ends[2];
    REQUIRE_THAT(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    struct Messages {
        std::array<std::array<char, 8>, 4> texts{};
        std::array<iovec, 4> parts{};
        std::array<mmsghdr, 4> headers{};
        Messages() {
            for (unsigned each = 0; each < 4; ++each) {
                std::snprintf(texts[each].data(), texts[each].size(), "m%u", each);
                parts[each] = {.iov_base = texts[each].data(), .iov_len = each + 1};
                headers[each].msg_hdr.msg_iov = &parts[each];
                headers[each].msg_hdr.msg_iovlen = 1;
            }
        }
    };
    Messages got;
    for (iovec& each : got.parts)
        each.iov_len = 8;
    const auto receive = [&](const char* what, unsigned count, int flags, timespec* left) {
        const int received = recvmmsg(ends[0], got.headers.data(), count, flags, left);
        result(what, received);
        for (int each = 0; each < received; ++each)
            result("length", got.headers[static_cast<unsigned>(each)].msg_len);
    };
    const auto send_late = [&](std::initializer_list<unsigned> counts) {
        return start([&ends, late = std::vector<unsigned>(counts)] {
            Messages sent;
            for (const unsigned count : late) {
                sleep_ms(3);
                REQUIRE_THAT(sendmmsg(ends[1], sent.headers.data(), count, 0) == static_cast<int>(count));
            }
        });
    };
    pthread_t sender = send_late({1, 3});
    receive("all", 4, 0, nullptr);
    join(sender);
    sender = send_late({1});
    receive("one", 4, MSG_WAITFORONE, nullptr);
    join(sender);
    Messages sent;
    result("sent", sendmmsg(ends[1], sent.headers.data(), 3, 0));
    receive("what is there", 4, MSG_WAITFORONE, nullptr);
    sender = send_late({3});
    timespec left{.tv_sec = 100, .tv_nsec = 0};
    receive("in time", 3, 0, &left);
    result("time is left", left.tv_sec > 50 && left.tv_sec < 100);
    join(sender);
    left = {.tv_sec = 0, .tv_nsec = 0};
    result("sent", sendmmsg(ends[1], sent.headers.data(), 2, 0));
    receive("when time is over", 2, 0, &left);
    receive("at once", 2, MSG_DONTWAIT, nullptr);
    receive("none", 1, MSG_DONTWAIT, nullptr);
    result("errno", errno == EAGAIN);
    left.tv_nsec = -1;
    receive("no such time", 1, 0, &left);
    result("errno", errno == EINVAL);
    result("none of two", sendmmsg(-1, sent.headers.data(), 2, 0));
}

/// More than fits: who writes waits for who reads.
void more_than_fits() {
    constexpr std::size_t size = 3'000'000;
    const std::vector<char> bytes(size, 'x');
    const auto read_all = [](int descriptor, std::size_t left) {
        std::vector<char> room(70'000);
        while (left > 0) {
            const ssize_t got = read(descriptor, room.data(), std::min(room.size(), left));
            REQUIRE_THAT(got > 0);
            left -= static_cast<std::size_t>(got);
        }
    };
    const Pair pair;
    const pthread_t reader = start([&] { read_all(pair.ends[1], 3 * size); });
    result("write", write(pair.ends[0], bytes.data(), size));
    result("send", send(pair.ends[0], bytes.data(), size, 0));
    iovec parts[2] = {{.iov_base = const_cast<char*>(bytes.data()), .iov_len = size / 3},
                      {.iov_base = const_cast<char*>(bytes.data()), .iov_len = size - size / 3}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    result("sendmsg", sendmsg(pair.ends[0], &message, 0));
    join(reader);
}

/// A socket whose patience ends before anything comes, and before there is room.
void loses_patience() {
    const Pair pair;
    const timeval patience{.tv_sec = 0, .tv_usec = 4000};
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
        REQUIRE_THAT(setsockopt(pair.ends[0], SOL_SOCKET, option, &patience, sizeof patience) == 0);
    // Another one, or nobody would be kept waiting.
    std::atomic<bool> over{false};
    const pthread_t other = start([&] {
        while (!over.load())
            sleep_ms(1);
    });
    char byte = 0;
    result("recv", recv(pair.ends[0], &byte, 1, 0));
    result("errno", errno == EAGAIN);
    result("read", read(pair.ends[0], &byte, 1));
    result("errno", errno == EAGAIN);
    const std::vector<char> bytes(3'000'000, 'x');
    const ssize_t sent = send(pair.ends[0], bytes.data(), bytes.size(), 0);
    result("sent in part", sent > 0 && sent < static_cast<ssize_t>(bytes.size()));
    result("send", send(pair.ends[0], bytes.data(), bytes.size(), 0));
    result("errno", errno == EAGAIN);
    over.store(true);
    join(other);
}

void waits_for_events() {
    const Pair pair;
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = 7;
    REQUIRE_THAT(epoll_ctl(epoll, EPOLL_CTL_ADD, pair.ends[0], &event) == 0);
    const timespec soon{.tv_sec = 0, .tv_nsec = 3'000'000};
    epoll_event found[2] = {};
    const int timed_out = epoll_pwait2(epoll, found, 2, &soon, nullptr);
    if (timed_out < 0 && errno == ENOSYS) return;  // Linux 5.10: in no run, then
    result("epoll_pwait2, nothing", timed_out);
    const pthread_t writer = start([&] {
        sleep_ms(2);
        REQUIRE_THAT(write(pair.ends[1], "x", 1) == 1);
    });
    result("epoll_pwait2", epoll_pwait2(epoll, found, 2, nullptr, nullptr));
    result("data", found[0].data.u32);
    join(writer);

    char byte = 0;
    REQUIRE_THAT(read(pair.ends[0], &byte, 1) == 1);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pair.ends[0], &set);
    timeval wrong{.tv_sec = -1, .tv_usec = 0};
    result("select of a time before now", select(pair.ends[0] + 1, &set, nullptr, nullptr, &wrong));
    result("errno", errno == EINVAL);
    result("pselect", pselect(pair.ends[0] + 1, &set, nullptr, nullptr, &soon, nullptr));
    timeval rest{.tv_sec = 1, .tv_usec = 0};
    const pthread_t other = start([&] {
        sleep_ms(2);
        REQUIRE_THAT(write(pair.ends[1], "x", 1) == 1);
    });
    FD_SET(pair.ends[0], &set);
    result("select", select(pair.ends[0] + 1, &set, nullptr, nullptr, &rest));
    result("something is left of the time", rest.tv_sec == 0 && rest.tv_usec > 0);
    join(other);
}

}  // namespace

int main(int argc, char** argv) {
    constexpr cases::Scenario scenarios[] = {
        {"checked-sizes", checked_sizes},       {"datagrams", datagrams},
        {"several-messages", several_messages}, {"more-than-fits", more_than_fits},
        {"loses-patience", loses_patience},     {"waits-for-events", waits_for_events},
    };
    return cases::choose(scenarios, argc, argv);
}
