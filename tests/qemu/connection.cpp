#include "connection.hpp"

#include "recording.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace escapement::qemu_tests {

Connection Connection::to_socket(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.string().size() < sizeof address.sun_path);
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(descriptor >= 0);
    const double end = seconds_now() + 10;
    while (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (seconds_now() > end) FAIL("cannot connect to " << path << ": " << std::strerror(errno));
        sleep_seconds(0.02);
    }
    return Connection(descriptor);
}

Connection Connection::to_terminal(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    INFO(path << ": " << std::strerror(errno));
    REQUIRE(descriptor >= 0);
    termios settings{};
    REQUIRE(tcgetattr(descriptor, &settings) == 0);
    cfmakeraw(&settings);
    REQUIRE(tcsetattr(descriptor, TCSANOW, &settings) == 0);
    return Connection(descriptor);
}

Connection::~Connection() {
    if (descriptor_ >= 0) close(descriptor_);
}

Connection::Connection(Connection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), received_(std::move(other.received_)) {}

void Connection::write(const std::string& text) const {
    REQUIRE(::write(descriptor_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

std::string Connection::await(const std::string& text, double seconds) {
    const double end = seconds_now() + seconds;
    for (;;) {
        const std::size_t at = received_.find(text);
        if (at != std::string::npos) {
            std::string before = received_.substr(0, at);
            received_.erase(0, at + text.size());
            return before;
        }
        if (seconds_now() > end) FAIL("'" << text << "' did not come; this did: " << received_);
        pollfd descriptor{.fd = descriptor_, .events = POLLIN, .revents = 0};
        if (poll(&descriptor, 1, 100) <= 0) continue;
        char buffer[4096];
        const ssize_t got = read(descriptor_, buffer, sizeof buffer);
        if (got <= 0) FAIL("the line was cut before '" << text << "' came; this did: " << received_);
        received_.append(buffer, static_cast<std::size_t>(got));
    }
}

Pipe::Pipe() {
    int both[2];
    REQUIRE(pipe2(both, O_CLOEXEC) == 0);
    to_read = both[0];
    to_write = both[1];
}

Pipe::~Pipe() {
    close(to_read);
    close(to_write);
}

std::string await_in_file(const std::filesystem::path& file, const std::string& text, double seconds) {
    const double end = seconds_now() + seconds;
    for (;;) {
        std::string now = contents(file);
        if (now.find(text) != std::string::npos) return now;
        if (seconds_now() > end) FAIL("'" << text << "' did not come; this did: " << now);
        sleep_seconds(0.02);
    }
}

Connection open_qmp(const std::filesystem::path& path) {
    Connection connection = Connection::to_socket(path);
    connection.await("\"QMP\"");
    qmp(connection, R"({"execute":"qmp_capabilities"})");
    return connection;
}

void qmp(Connection& connection, const std::string& command) {
    connection.write(command + "\n");
    connection.await("\"return\"");
}

}  // namespace escapement::qemu_tests
