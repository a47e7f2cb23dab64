#pragma once
// What participants of a parallel order meet at, and the place that each has there.

#include <escapement/order.hpp>

#include <parallel_memory.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace escapement::parallel {

/// (clock, number) in one word, so that one load says where a participant is and one comparison who is first.
using Ticket = std::uint64_t;
inline constexpr unsigned number_bits = 8;
inline constexpr ParticipantNumber most_seats = 200;
inline constexpr Ticket never = ~Ticket{0};
inline constexpr Count no_clock = ~Count{0};
inline constexpr unsigned no_cpu = ~0U;

constexpr Ticket ticket_of(Count clock, ParticipantNumber number) {
    return clock << number_bits | number;
}
constexpr Count clock_of(Ticket ticket) {
    return ticket >> number_bits;
}
constexpr ParticipantNumber number_of(Ticket ticket) {
    return ticket & ((1U << number_bits) - 1);
}

struct Seat;

/// First come, first served.
class Queue {
  public:
    [[nodiscard]] bool empty() const { return first_ == nullptr; }
    [[nodiscard]] Seat* first() const { return first_; }
    void push(Seat& seat);
    void remove(Seat& seat);

  private:
    Seat* first_ = nullptr;
    Seat* last_ = nullptr;
};

/// Who alone has locked a mutex for long, and so may lock it without waiting for its turn: reservation.cpp.
struct Reservation {
    Shared<Ticket> of{never};  ///< the round that it begins with and the participant; changed in turn
    // Belongs to who locks the mutex.
    ParticipantNumber last = most_seats;  ///< who has locked it last
    std::uint64_t streak = 0;             ///< how often in a row
    std::uint64_t needs = 0;              ///< so often at least; more, each time that somebody came for it
};

struct Mutex {
    // free -> held: by who is in turn, or by whom it is reserved to. held -> queued: by who is in turn, with
    // the latch. held -> free: by the holder. queued -> held or free: by the holder, with the latch.
    static constexpr std::uint32_t free = 0;
    static constexpr std::uint32_t held = 1;
    static constexpr std::uint32_t queued = 2;
    Shared<std::uint32_t> word{free};
    Shared<Seat*> holder{nullptr};
    Ticket released = 0;  ///< place of the last unlocking; belongs to the holder, then to who is in turn
    Shared<Count> since{0};
    Queue queue;
    Reservation reservation;
    std::uint32_t journal_number = 0;  ///< the witness's
    const char* name = "mutex";
};

/// A condition (value unused), a semaphore, an event (value is 0 or 1). Changed by who is in turn.
struct Meeting {
    std::uint64_t value = 0;
    Queue queue;
    std::uint32_t journal_number = 0;  ///< the witness's
    const char* name = "";
};

enum class Kind : std::uint8_t {
    lock,
    try_lock,
    wait,     ///< unlock the mutex, wait for the meeting, lock again
    wake,     ///< `amount` waiters
    acquire,  ///< one of the meeting's value
    try_acquire,
    release,  ///< add `amount` to the value
    set,
    reset,
    wait_set,
    sleep,
    join,
    leave,
    point,  ///< a place in the order, for what its caller does itself
};

struct Request {
    Kind kind = Kind::point;
    Mutex* mutex = nullptr;
    Meeting* meeting = nullptr;
    Seat* other = nullptr;
    std::uint64_t amount = 1;
    Count deadline = no_clock;
};

enum class Outcome : std::uint8_t { completed, timed_out, busy, stalled };

enum class SeatState : std::uint8_t {
    absent,      ///< nobody, or somebody who has left
    running,     ///< admitted, and neither waiting nor gone
    requesting,  ///< waits for its turn; its request is carried out by whoever sees that it has come
    blocked,     ///< its request is carried out and waits in a queue
    held_back,   ///< too far ahead
    outside,     ///< waits for the outside; its bound is raised, before others reach it, as long as it does
};

/// Far enough from each other that writing one does not take the other from its readers' caches (processors
/// fetch lines of 64 bytes in pairs).
inline constexpr std::size_t apart = 128;

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): that is what `apart` is for
struct alignas(apart) Seat {
    // Read by others while they wait; written by the owner, or for it while it waits.
    Shared<Ticket> bound{never};  ///< nothing of this participant's will be ordered before this
    Shared<Ticket> watch{never};  ///< once the bound is past this, somebody may go on: settle
    Shared<Ticket> asked{never};  ///< a hint: somebody awake waits for the bound to be past this
    Shared<SeatState> state{SeatState::absent};
    // Where it is awake, and where who woke it last was. Hints to where it had better run: nothing else goes
    // by them.
    std::atomic<unsigned> cpu{no_cpu};
    std::atomic<unsigned> woken_on{no_cpu};
    // The owner's, or, while it waits, the latch's.
    alignas(apart) Count clock = 0;
    Count boundary = 0;
    Count promised = 0;   ///< no operation below this clock
    Count published = 0;  ///< clock of the bound that others see
    Ticket horizon = 0;   ///< nobody else will be ordered before this
    ParticipantNumber number = 0;
    Outcome outcome = Outcome::completed;
    bool timed = false;  ///< blocked with a deadline, which is its bound
    // Changed in turn; the owner reads them in turn, or when all others have come to its round.
    Count reservations_from = 0;  ///< its reservations that begin with an earlier round are over
    std::uint64_t needs = 0;  ///< for another, lockings in a row; more, each time that somebody came for one
    unsigned kept = 0;        ///< lockings of which no witness has been told in turn
    Place place;
    // With the latch.
    Request request;
    Queue* queue = nullptr;
    Seat* next = nullptr;
    Ticket held_until = 0;
    Count since = 0;
    Count limit = no_clock;  ///< outside: clock at which its poll times out
    bool raised = false;     ///< outside: told to come back, its deadline is there
    Queue joiners;
    Count left_at = 0;
    bool joined = false;  ///< absent, and its number may be given to another
    std::uint64_t operations = 0, waits = 0, sleeps = 0, boundaries = 0, held_backs = 0;
    char role[24] = "";
};

}  // namespace escapement::parallel
