// Every way to ask for randomness.

#include "posix_thread.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <random>

using namespace cases;

namespace {

void sources() {
    std::uint64_t value = 0;
    REQUIRE_THAT(getrandom(&value, sizeof value, 0) == sizeof value);
    order("getrandom", static_cast<long long>(value));
    REQUIRE_THAT(getentropy(&value, sizeof value) == 0);
    order("getentropy", static_cast<long long>(value));
    REQUIRE_THAT(syscall(SYS_getrandom, &value, sizeof value, 0) == sizeof value);
    order("by syscall", static_cast<long long>(value));
    for (const char* const path : {"/dev/urandom", "/dev/random"}) {
        const int file = open(path, O_RDONLY | O_CLOEXEC);
        REQUIRE_THAT(file >= 0 && read(file, &value, sizeof value) == sizeof value);
        order(path, static_cast<long long>(value));
        REQUIRE_THAT(close(file) == 0);
        const int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);  // gets the same number
        REQUIRE_THAT(zeros == file && read(zeros, &value, sizeof value) == sizeof value && value == 0);
        close(zeros);
        FILE* const stream = std::fopen(path, "rb");
        REQUIRE_THAT(stream != nullptr && std::fread(&value, sizeof value, 1, stream) == 1);
        order("by a stream", static_cast<long long>(value));
        std::fclose(stream);
    }
    const int file = openat(AT_FDCWD, "/dev/urandom", O_RDONLY | O_CLOEXEC);
    REQUIRE_THAT(read(file, &value, sizeof value) == sizeof value);
    order("by openat", static_cast<long long>(value));
    close(file);
    // Not known to the compiler: programs built as Debian's are call another function then.
    volatile int flags = O_RDONLY | O_CLOEXEC;
    for (const int each :
         {open("/dev/urandom", flags), open64("/dev/urandom", flags), openat(AT_FDCWD, "/dev/urandom", flags),
          openat64(AT_FDCWD, "/dev/urandom", flags)}) {
        REQUIRE_THAT(each >= 0 && read(each, &value, sizeof value) == sizeof value);
        order("by an open that is checked", static_cast<long long>(value));
        close(each);
    }
    order("arc4random", arc4random());
    order("arc4random_uniform", arc4random_uniform(1000));
    arc4random_buf(&value, sizeof value);
    order("arc4random_buf", static_cast<long long>(value));
    std::random_device device;
    order("std::random_device", device());
    result("done", 1);
}

void by_threads() {
    together(4, [](unsigned number) {
        for (unsigned round = 0; round < 100; ++round) {
            unsigned char byte = 0;
            REQUIRE_THAT(getrandom(&byte, 1, 0) == 1);
            trail(byte % 30U);
            trail(30 + number);
        }
    });
    print_trail();
}

constexpr Scenario scenarios[] = {{"sources", sources}, {"threads", by_threads}};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
