// Programs that race by design: what they print is a signature of how their threads were interleaved, between
// operations that nobody orders. A scenario's length may follow its name.

#include "posix_thread.hpp"

#include <cstdlib>
#include <string>

using namespace cases;

namespace {

unsigned length = 1500;

// Volatile, not atomic: an ordinary load and an ordinary store each, with room for others between them.
volatile unsigned shared = 0;
volatile unsigned flag = 0;
volatile unsigned log_size = 0;
volatile unsigned char log_bytes[1U << 16U];

void note(unsigned mark) {
    const unsigned at = log_size;
    log_bytes[at % sizeof log_bytes] = static_cast<unsigned char>(mark);
    log_size = at + 1;
}

void print_log() {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (unsigned at = 0; at < log_size && at < sizeof log_bytes; ++at)
        hash = (hash ^ log_bytes[at]) * 0x100000001b3;
    std::printf("order: log of %u: %016llx\n", log_size, static_cast<unsigned long long>(hash));
}

/// Increments get lost.
void counter() {
    together(3, [](unsigned number) {
        for (unsigned turn = 0; turn < length; ++turn) {
            const unsigned value = shared;
            work(number);
            shared = value + 1;
            if (turn % 64 == 0) note(number);
        }
    });
    order("counter", shared);
    print_log();
}

/// One waits by looking, while another gets round to telling it.
void spin() {
    volatile unsigned spins = 0;
    const pthread_t waiter = start([&] {
        while (flag == 0)
            spins = spins + 1;
    });
    const pthread_t worker = start([] {
        work(length);
        flag = 1;
    });
    pthread_join(waiter, nullptr);
    pthread_join(worker, nullptr);
    order("spins", spins);
}

/// Two hand a turn to and fro, and count how long each looked for it.
void handshake() {
    static volatile unsigned spins[2];
    together(2, [](unsigned number) {
        const unsigned me = number - 1;
        for (unsigned turn = 0; turn < length / 100; ++turn) {
            while (shared % 2 != me)
                spins[me] = spins[me] + 1;
            shared = shared + 1;
        }
    });
    order("first", spins[0]);
    order("second", spins[1]);
    result("turns", shared);
}

/// No thread ever asks for anything.
void lockless() {
    together(4, [](unsigned number) {
        for (unsigned turn = 0; turn < length / 10; ++turn) {
            work(number * 7);
            note(number);
        }
    });
    print_log();
}

/// Locks, and races beside them; the heap and the streams have locks of their own.
void mixed() {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    together(3, [](unsigned number) {
        std::string text;
        for (unsigned turn = 0; turn < length / 30; ++turn) {
            text.append(number * 3, static_cast<char>('a' + number));
            if (text.size() > 200) text = std::string(number, 'x');
            const unsigned value = shared;
            if (turn % 5 == number) {
                pthread_mutex_lock(&mutex);
                note(number);
                pthread_mutex_unlock(&mutex);
            }
            shared = value + static_cast<unsigned>(text.size());
            if (turn % 16 == 0) std::printf("order: %u at %u\n", number, turn);
        }
    });
    order("shared", shared);
    print_log();
}

constexpr Scenario scenarios[] = {
    {"counter", counter}, {"spin", spin}, {"handshake", handshake}, {"lockless", lockless}, {"mixed", mixed},
};

}  // namespace

int main(int argc, char** argv) {
    if (argc > 2) length = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10));
    return choose(scenarios, argc, argv);
}
