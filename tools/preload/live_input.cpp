#include "live_input.hpp"

#include "outside_input.hpp"
#include "real.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace escapement::preload {

namespace {

/// Children may have the other end of any pipe of this process.
bool has_children() {
    siginfo_t information{};
    return real().waitid(P_ALL, 0, &information, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0;
}

/// A line of what the kernel says of an epoll descriptor. Source: proc(5), /proc/pid/fdinfo; its events are
/// those of poll(2).
bool is_live_line(const char* line) {
    int descriptor = -1;
    unsigned events = 0;
    if (std::sscanf(line, "tfd: %d events: %x", &descriptor, &events) != 2) return false;
    return brings_live_input({.fd = descriptor, .events = static_cast<short>(events), .revents = 0});
}

}  // namespace

bool brings_live_input(const pollfd& descriptor) {
    if (descriptor.fd < 0 || (descriptor.events & (POLLIN | POLLPRI | POLLRDHUP)) == 0) return false;
    struct stat status {};
    if (fstat(descriptor.fd, &status) != 0) return false;
    if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode))
        return !is_own_pipe(descriptor.fd) || has_children();
    return S_ISCHR(status.st_mode) && isatty(descriptor.fd) == 1;
}

bool watches_live_input(int epoll) {
    const int saved = errno;
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", epoll);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    bool live = file < 0;  // nobody can tell: time that passes outside does no harm
    char text[4096];
    std::size_t kept = 0;
    while (file >= 0 && !live) {
        const ssize_t got = real().read(file, text + kept, sizeof text - 1 - kept);
        if (got <= 0) break;
        text[kept + static_cast<std::size_t>(got)] = '\0';
        char* line = text;
        for (char* end = std::strchr(line, '\n'); end != nullptr; end = std::strchr(line, '\n')) {
            *end = '\0';
            live = live || is_live_line(line);
            line = end + 1;
        }
        kept = std::strlen(line);
        std::memmove(text, line, kept);
    }
    if (file >= 0) real().close(file);
    errno = saved;
    return live;
}

}  // namespace escapement::preload
