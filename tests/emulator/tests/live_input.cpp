// Input that comes when it comes: somebody at the other end of a socket.

#include "emulator_run.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <random>
#include <thread>

using namespace emulator_tests;

namespace {

int connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // The emulator is there once it listens.
    for (int tries = 0; tries < 10'000; ++tries) {
        if (connect(line, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return line;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    close(line);
    return -1;
}

/// Types `text` in pieces, at random times; returns what came back until the line was closed.
std::string type(int line, const std::string& text) {
    std::minstd_rand random(std::random_device{}());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t piece = std::min<std::size_t>(random() % 20 + 1, text.size() - at);
        if (send(line, text.data() + at, piece, MSG_NOSIGNAL) != static_cast<ssize_t>(piece)) break;
        at += piece;
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 5'000));
    }
    shutdown(line, SHUT_WR);
    std::string back;
    std::array<char, 256> bytes{};
    for (ssize_t count = 0; (count = read(line, bytes.data(), bytes.size())) > 0;) {
        back.append(bytes.data(), static_cast<std::size_t>(count));
    }
    close(line);
    return back;
}

}  // namespace

TEST_CASE("what is typed on a socket comes back, under every policy") {
    const auto arguments = GENERATE(values<std::vector<std::string>>(
        {{"--policy", "free"}, {"--policy", "ticktock"}, {"--mode", "serial"}, {"--mode", "parallel"}}));
    CAPTURE(arguments);
    const Directory directory;
    const std::string text(200, 'x');
    std::string back;
    std::thread typist([&] {
        const int line = connect_to(directory.file("line"));
        if (line >= 0) back = type(line, text);
    });
    std::vector<std::string> command = arguments;
    command.insert(command.begin(), EMULATOR);
    command.insert(command.end(), {"--guest", "echo", "--serial", "socket:" + directory.file("line")});
    const Run result = run(command, "", directory);
    typist.join();
    CHECK(result.status == 0);
    CHECK(result.errors.empty());
    CHECK(back == expected_console("echo", text));
}

TEST_CASE("what was typed on a socket is replayed from the journal, with nobody there") {
    const auto arguments = GENERATE(values<std::vector<std::string>>(
        {{"--policy", "ticktock"}, {"--mode", "serial"}, {"--mode", "parallel"}}));
    CAPTURE(arguments);
    const Directory directory;
    const std::string text(200, 'y');
    std::thread typist([&] {
        const int line = connect_to(directory.file("line"));
        if (line >= 0) type(line, text);
    });
    const auto command = [&](const std::vector<std::string>& rest) {
        std::vector<std::string> all = arguments;
        all.insert(all.begin(), EMULATOR);
        all.insert(all.end(), {"--guest", "echo"});
        all.insert(all.end(), rest.begin(), rest.end());
        return all;
    };
    const Run then = run(command({"--serial", "socket:" + directory.file("line"), "--log",
                                  directory.file("then"), "--journal", directory.file("journal")}),
                         "", directory);
    typist.join();
    CHECK(then.status == 0);
    const Run again = run(command({"--log", directory.file("again"), "--replay", directory.file("journal"),
                                   "--disturb", "100"}),
                          "", directory);
    CHECK(again.status == 0);
    CHECK(again.errors.empty());
    CHECK(again.console == expected_console("echo", text));
    CHECK(read_file(directory.file("then")).size() > 1000);
    CHECK(read_file(directory.file("again")) == read_file(directory.file("then")));
}
