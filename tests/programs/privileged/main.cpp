// A program that has the preload library in it by its own linking, which the loader does not leave out where
// the program is set-uid, as it does what the environment asks for. Says whether the system calls it
// privileged.

#include <sys/auxv.h>

#include <cstdio>
#include <mutex>
#include <thread>

int main() {
    std::mutex mutex;
    std::thread([&] { const std::scoped_lock lock(mutex); }).join();
    std::printf("privileged: %d\n", getauxval(AT_SECURE) != 0 ? 1 : 0);
    return 0;
}
