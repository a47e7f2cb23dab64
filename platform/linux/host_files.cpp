#include "host_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace escapement {

std::string text_of(const std::string& path) {
    // /proc/cpuinfo has about 1,500 bytes a CPU.
    constexpr std::size_t most = std::size_t{16} << 20U;
    std::string text;
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return text;
    if (struct stat status{}; fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
        char part[16384];
        ssize_t got = 0;
        while (text.size() < most && (got = ::read(file, part, sizeof part)) > 0)
            text.append(part, static_cast<std::size_t>(got));
    }
    ::close(file);
    return text;
}

std::string_view next_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

std::string line_of(const std::string& path) {
    const std::string text = text_of(path);
    std::string_view rest = text;
    return std::string(next_line(rest));
}

}  // namespace escapement
