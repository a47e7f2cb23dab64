#include "serial_line.hpp"

#include "fail.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace emulator {

namespace {

int wait_for_somebody(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        fail(wrong_usage, "'", path, "' is no path for a socket: 1 to ", sizeof address.sun_path - 1,
             " bytes");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listening < 0 || bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listening, 1) != 0) {
        fail(wrong_usage, "cannot listen at ", path, ": ", std::strerror(errno));
    }
    const int connection = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) fail(trouble, "nobody could connect to ", path, ": ", std::strerror(errno));
    close(listening);
    unlink(path.c_str());
    return connection;
}

}  // namespace

SerialLine::SerialLine(const std::string& to) {
    constexpr std::string_view socket_prefix = "socket:";
    if (to.starts_with(socket_prefix)) {
        input_ = output_ = wait_for_somebody(to.substr(socket_prefix.size()));
    } else if (to != "stdio") {
        fail(wrong_usage, "'", to, "' is no serial line: stdio, or socket:PATH");
    }
}

SerialLine::~SerialLine() {
    if (input_ != STDIN_FILENO) close(input_);
}

}  // namespace emulator
