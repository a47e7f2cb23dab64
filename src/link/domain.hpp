#pragma once
// The domain, its participants and its objects, as the C interface sees them.

#include "engine.hpp"
#include "journal.hpp"
#include "parallel/order.hpp"

#include <escapement/waiting.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

struct alignas(escapement::parallel::apart) escapement_participant {
    enum class Phase : std::uint8_t { admitted, entered, left };
    struct Post {
        escapement::Count at = 0;
        void (*function)(void*) = nullptr;
        void* context = nullptr;
    };

    escapement_domain* domain = nullptr;
    escapement::ParticipantNumber number = 0;
    std::string role;
    std::atomic<Phase> phase{Phase::admitted};
    escapement::parallel::Seat* seat = nullptr;
    escapement::parallel::Order* direct = nullptr;  ///< parallel, ordered and without journal: what is asked
    // The owner's.
    unsigned held = 0;
    unsigned objects = 0;  ///< created so far; names them
    escapement::Count total = 0;
    escapement::Count promised = 0;  ///< counts that are still promised
    std::uint64_t random_state = 0;
    bool in_post = false;
    // Others'.
    std::atomic<escapement::Count> next_post{~escapement::Count{0}};
    escapement::Latch posts_latch;
    std::vector<Post> posts;  ///< by clock, then as they came
    // Serial.
    escapement::ParkingPlace place;
    escapement::link::PollRequest* polls = nullptr;
};

struct escapement_domain {
    escapement::link::Settings settings;
    std::unique_ptr<escapement::link::Journal> journal;  ///< null: none
    std::unique_ptr<escapement::link::Engine> engine;
    void (*on_stall)(void*, const char*) = nullptr;
    void (*on_misuse)(void*, const char*, int) = nullptr;
    void* context = nullptr;
    std::atomic<bool> closed{false};
    std::atomic<bool> stalled{false};     ///< or the replay diverged: nobody goes on
    std::atomic<bool> begun{false};       ///< somebody has entered
    std::atomic<unsigned> present{0};     ///< admitted and not left
    std::atomic<unsigned> inside{0};      ///< threads between entering and having left
    std::atomic<unsigned> references{1};  ///< objects, and the handle
    std::mutex members_latch;
    std::vector<std::unique_ptr<escapement_participant>> members;
    unsigned objects = 0;
};

namespace escapement::link {

struct Object {
    Object(escapement_domain& of, const char* called, const char* otherwise);
    ~Object();
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    escapement_domain* domain;
    ObjectKey key = 0;  ///< the same every time: who created it, and which of his it is
    std::string name;
};

struct alignas(parallel::apart) Mutex : Object {
    using Object::Object;
    parallel::Mutex shared;
    std::atomic<Member*> owner{nullptr};
};

struct Meeting : Object {
    using Object::Object;
    parallel::Meeting shared;
    std::atomic<unsigned> waiters{0};
};

/// The calling thread's participant.
Member*& self();

/// Tells on_misuse, and passes `status` on.
int misuse(const escapement_domain* domain, const char* function, int status);

/// True if `me` may ask `me.direct` at once: nothing is due before, and nothing wrong but with the object.
inline bool undisturbed(const Member& me) {
    const Count clock = me.seat->clock;
    return me.promised == 0 && clock < me.seat->boundary &&
           clock < me.next_post.load(std::memory_order_acquire) &&
           !me.domain->stalled.load(std::memory_order_relaxed);
}

/// What is wrong with an operation on something of `domain`'s by the calling thread; OK if nothing. Runs what
/// was posted to it.
int begin(const escapement_domain* domain, const char* function);
void run_posts(Member& me);

void unreference(escapement_domain* domain);

}  // namespace escapement::link

struct escapement_mutex : escapement::link::Mutex {
    using Mutex::Mutex;
};
struct escapement_condition : escapement::link::Meeting {
    using Meeting::Meeting;
};
struct escapement_semaphore : escapement::link::Meeting {
    using Meeting::Meeting;
};
struct escapement_event : escapement::link::Meeting {
    using Meeting::Meeting;
};
