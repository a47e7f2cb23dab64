#ifndef ESCAPEMENT_H
#define ESCAPEMENT_H
/* Escapement for emulators that link it: threads that run in parallel, and come out the same every time.
 *
 * Contract. Threads take part in a *domain*. Each has a *clock*, a count of its own progress that it reports.
 * Ordered operations (everything below that locks, waits, wakes, or asks the outside) happen in the order of
 * (clock, number), whatever the host's scheduler does: a program that shares data only under these operations
 * does the same every time. Between them threads really run at once (mode parallel), or one at a time (mode
 * serial: then not even data races make a difference).
 *
 *     escapement_options options;
 *     escapement_options_init(&options);                       // counted, auto, reported, virtual time
 *     escapement_domain *domain;
 *     escapement_participant *main_loop, *cpu;
 *     escapement_domain_create(&options, &domain);
 *     escapement_admit(domain, "main", &main_loop);            // in this order: number 0
 *     escapement_admit(domain, "cpu", &cpu);                   // number 1
 *     escapement_mutex_create(domain, "machine", &machine);
 *
 *     // the thread that emulates                              // the main loop's thread
 *     escapement_enter(cpu);                                   escapement_enter(main_loop);
 *     while (running) {                                        struct pollfd in = {serial, POLLIN, 0};
 *         uint64_t done = execute(escapement_budget());        int ready;
 *         escapement_advance(done);                            escapement_poll(&in, 1, 1000000, &ready);
 *         escapement_mutex_lock(machine);                      escapement_mutex_lock(machine);
 *         deliver_interrupts();                                raise_interrupts();
 *         escapement_mutex_unlock(machine);                    escapement_mutex_unlock(machine);
 *     }                                                        escapement_join(cpu);
 *     escapement_leave(cpu);                                   escapement_leave(main_loop);
 *                                                              escapement_mutex_destroy(machine);
 *                                                              escapement_domain_destroy(domain);
 *
 * Rules. (1) Participants are admitted before the first one enters, or by a participant: so numbers are the
 * same every time. (2) A place that was admitted is waited for until its thread enters. (3) One thread is in
 * one domain at a time. (4) What one participant tells another goes through ordered operations. (5) Objects
 * are created before the first one enters, or by a participant.
 *
 * Clocks. Every ordered operation counts 1, and `escapement_advance` what else was done. Who is woken or
 * handed a lock goes on at the clock of whoever did it plus one. Report as soon as it is certain, also
 * beforehand: others wait until your clock has passed theirs (see escapement_promise). Nobody gets two quanta
 * ahead of another who could still come before. In mode parallel, time is a function of the clock: who sleeps
 * until a time goes on at that time's clock.
 *
 * Units: counts; nanoseconds of virtual time since the domain's `start_ns`.
 * Errors: every function returns ESCAPEMENT_OK (0), an outcome (below ESCAPEMENT_ERRORS), or the rule that
 * was broken; then it did nothing. escapement_message() says the rule. A deadlock is reported (`on_stall`),
 * never waited for. Thread safety: any thread may call; a function that needs a participant says which of
 * them when it is called by another. ABI: symbols are versioned; structures begin with their size and only
 * grow. Sources: order by (clock, number) is Kendo's (Olszewski, Ansel, Amarasinghe, ASPLOS 2009); waiting
 * until nobody can come before is conservative simulation (Chandy, Misra, CACM 24(4), 1981), and a promise
 * its lookahead; clocks that jump past the waker's are Lamport's (CACM 21(7), 1978). */

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct escapement_domain escapement_domain;
typedef struct escapement_participant escapement_participant;
typedef struct escapement_mutex escapement_mutex;
typedef struct escapement_condition escapement_condition;
typedef struct escapement_semaphore escapement_semaphore;
typedef struct escapement_event escapement_event;

enum escapement_status {
    ESCAPEMENT_OK = 0,
    ESCAPEMENT_TIMED_OUT = 1, /* the deadline came first */
    ESCAPEMENT_BUSY = 2,      /* a try that found it taken */

    ESCAPEMENT_ERRORS = 16,            /* everything from here on */
    ESCAPEMENT_NOT_A_PARTICIPANT = 16, /* the calling thread has entered no domain */
    ESCAPEMENT_WRONG_THREAD = 17,      /* that participant is another thread */
    ESCAPEMENT_OTHER_DOMAIN = 18,      /* the object belongs to another domain than the calling thread */
    ESCAPEMENT_NOT_HELD = 19,          /* unlocking or waiting with a mutex that the caller does not hold */
    ESCAPEMENT_HELD_ALREADY = 20,      /* locking a mutex that the caller holds */
    ESCAPEMENT_STILL_HOLDING = 21,     /* leaving while holding a mutex */
    ESCAPEMENT_CLOCK_BACK = 22,        /* reporting less than before */
    ESCAPEMENT_PROMISED = 23,          /* an ordered operation before the promised counts were advanced */
    ESCAPEMENT_TOO_SOON = 24,          /* posting for a clock that the other may have passed */
    ESCAPEMENT_ENTERED_ALREADY = 25,   /* entering twice, or into two domains at once */
    ESCAPEMENT_HAS_LEFT = 26,          /* that participant has left */
    ESCAPEMENT_CLOSED = 27,            /* the domain is closed, or has no participant any more */
    ESCAPEMENT_IN_USE =
        28, /* closing a domain with participants inside; destroying what is held or waited for */
    ESCAPEMENT_OUTSIDER = 29, /* admitting or creating from outside once participants have entered */
    ESCAPEMENT_TOO_MANY = 30, /* more than 200 participants at a time */
    ESCAPEMENT_INVALID = 31,  /* an option or argument out of its range */
    ESCAPEMENT_STALLED = 32,  /* the domain ended in a deadlock, of which on_stall was told */
    ESCAPEMENT_NO_MEMORY = 33,
    ESCAPEMENT_SYSTEM = 34,  /* the operating system refused; errno says why */
    ESCAPEMENT_JOURNAL = 35, /* the journal cannot be written or read */
    ESCAPEMENT_DIVERGED = 36 /* the replay does not do what was recorded, of which on_stall was told */
};

/* The rule that `status` stands for, in a sentence. Never null. */
const char* escapement_message(int status);

enum escapement_policy { ESCAPEMENT_COUNTED, ESCAPEMENT_TICKTOCK, ESCAPEMENT_FREE };
enum escapement_mode {
    ESCAPEMENT_AUTO,    /* parallel where the process may use two CPUs or more, else serial */
    ESCAPEMENT_SERIAL,  /* one at a time: data races have no effect either */
    ESCAPEMENT_PARALLEL /* (clock, number) alone decides; policy counted (free is always parallel, ticktock
                           serial) */
};
enum escapement_clock_source {
    ESCAPEMENT_REPORTED,  /* what escapement_advance reports, and 1 for each ordered operation */
    ESCAPEMENT_OPERATIONS /* ordered operations alone; escapement_advance counts nothing */
};
enum escapement_time_source { ESCAPEMENT_VIRTUAL, ESCAPEMENT_REAL };

typedef struct escapement_options {
    size_t size; /* set by escapement_options_init */
    int policy;
    int mode;
    int clock;
    int time;
    uint64_t quantum; /* counts between a participant's boundaries; 0: 1,000,000 reported, 1,000 operations */
    uint64_t ns_per_count; /* virtual time of a count; 0: 1 reported, 100 operations */
    int64_t start_ns;      /* what escapement_now begins with; 2024-01-01T00:00:00Z since 1970 */
    uint64_t seed;         /* of escapement_random */
    const char* record;    /* file to write the journal to (journal.hpp), or null; see "The journal" below */
    const char* replay;    /* journal to follow, or null; not both */
    /* Nobody can ever go on, a participant's thread ended without having left, or a replay diverged: `report`
     * says which, who waits for what, held by whom, since which clock; or what was expected, what was found,
     * and what came before. Null: it is printed and the process aborted. If it returns, every operation ends
     * with ESCAPEMENT_STALLED or ESCAPEMENT_DIVERGED. Also told, and printed without aborting, is why a
     * journal is refused or could not be written. */
    void (*on_stall)(void* context, const char* report);
    /* Called with the name of a function whose caller broke a rule, before it returns the error. Null:
     * nothing. */
    void (*on_misuse)(void* context, const char* function, int status);
    void* context;
} escapement_options;

void escapement_options_init(escapement_options* options);

/* --- domain and participants
 * ---------------------------------------------------------------------------------- */

/* The journal. Recorded are who took part, every ordered operation with object, clock and result, what
 * escapement_poll and escapement_input brought, and idle time. Two recordings of what is the same are equal
 * files. A replay runs the same program under the same options (the mode may be left open): polls and input
 * are the journal's, no descriptor is touched and `read` not called, nobody waits for a deadline in real
 * time; operations are compared as they come, and the first that differs ends the domain. Real time, and
 * policy free, have no journal. The file is written in blocks; the last at the end, or when nobody can go on:
 * a process that ends before it has closed its domain leaves a journal that is cut, which is replayed as far
 * as it goes. */

/* `options` may be null. The string members are not needed afterwards. ESCAPEMENT_JOURNAL: the journal cannot
 * be written, or it is of another domain: policy, mode, clock, quantum, seed, time; on_stall is told which.
 */
int escapement_domain_create(const escapement_options* options, escapement_domain** domain);
/* No operation succeeds any more. Not while participants are inside. ESCAPEMENT_JOURNAL: closed, but the
 * journal is not whole. ESCAPEMENT_DIVERGED: closed, but the journal goes on. */
int escapement_domain_close(escapement_domain* domain);
/* Closes, and frees what is left, participants as well. Objects live until they are destroyed. Returns what
 * closing did. */
int escapement_domain_destroy(escapement_domain* domain);
/* A number and a place for a thread, with the caller's clock. */
int escapement_admit(escapement_domain* domain, const char* role, escapement_participant** participant);
/* The calling thread is `participant` from here on, until it leaves: one that ends before (also by
 * pthread_cancel or an exception) ends the order, and on_stall is told its number, role and clock. */
int escapement_enter(escapement_participant* participant);
/* By its own thread, holding nothing; or by another participant for a place that nobody entered. */
int escapement_leave(escapement_participant* participant);
/* Waits until `participant` has left. The handle lives until the domain is destroyed. */
int escapement_join(escapement_participant* participant);
/* The calling thread's participant, or null. */
escapement_participant* escapement_self(void);
unsigned escapement_number(const escapement_participant* participant);

/* --- the caller's clock
 * --------------------------------------------------------------------------------------- */

/* `counts` more are done, or are certain to be before the next ordered operation. Not ordered itself; waits
 * only where the caller is a quantum ahead. Runs what was posted for this clock. */
int escapement_advance(uint64_t counts);
/* The same as a running total of the caller's own counts. */
int escapement_report(uint64_t total);
/* No ordered operation of the caller's comes in its next `counts` counts: others need not wait for it. */
int escapement_promise(uint64_t counts);
/* Counts until the caller's next boundary, or what was posted, at least 1: advance by no more to stop there.
 */
uint64_t escapement_budget(void);
uint64_t escapement_clock(void);

/* --- ordered operations
 * --------------------------------------------------------------------------------------- */
/* Deadlines are times as escapement_now tells them; ESCAPEMENT_FOREVER is none. */

#define ESCAPEMENT_FOREVER INT64_MAX

/* `name` (may be null) appears in reports. Not recursive. */
int escapement_mutex_create(escapement_domain* domain, const char* name, escapement_mutex** mutex);
int escapement_mutex_destroy(escapement_mutex* mutex);
/* In mode parallel, what one participant alone has locked 16 times in a row is reserved to it from the next
 * round of its quantum (100,000 counts at most): it no longer waits for its turn to lock it. Whoever else
 * comes for it goes on at the clock at which the following round begins, and it takes more to
 * reserve it again. */
int escapement_mutex_lock(escapement_mutex* mutex);
int escapement_mutex_trylock(escapement_mutex* mutex);
int escapement_mutex_timedlock(escapement_mutex* mutex, int64_t deadline_ns);
/* Never waits. */
int escapement_mutex_unlock(escapement_mutex* mutex);

/* Waiters are woken in the order in which they began to wait, and never without reason. */
int escapement_condition_create(escapement_domain* domain, const char* name,
                                escapement_condition** condition);
int escapement_condition_destroy(escapement_condition* condition);
int escapement_condition_wait(escapement_condition* condition, escapement_mutex* mutex);
/* The mutex is held again also after ESCAPEMENT_TIMED_OUT. */
int escapement_condition_timedwait(escapement_condition* condition, escapement_mutex* mutex,
                                   int64_t deadline_ns);
int escapement_condition_signal(escapement_condition* condition);
int escapement_condition_broadcast(escapement_condition* condition);

int escapement_semaphore_create(escapement_domain* domain, const char* name, uint64_t value,
                                escapement_semaphore** semaphore);
int escapement_semaphore_destroy(escapement_semaphore* semaphore);
int escapement_semaphore_acquire(escapement_semaphore* semaphore);
int escapement_semaphore_tryacquire(escapement_semaphore* semaphore);
int escapement_semaphore_timedacquire(escapement_semaphore* semaphore, int64_t deadline_ns);
int escapement_semaphore_release(escapement_semaphore* semaphore, uint64_t count);

/* Set until it is reset; whoever waits for it goes on once it is set. */
int escapement_event_create(escapement_domain* domain, const char* name, int set, escapement_event** event);
int escapement_event_destroy(escapement_event* event);
int escapement_event_set(escapement_event* event);
int escapement_event_reset(escapement_event* event);
int escapement_event_wait(escapement_event* event);
int escapement_event_timedwait(escapement_event* event, int64_t deadline_ns);

/* Runs `function` in the thread of `participant`, in its escapement_advance or at its next ordered operation,
 * at clock `at`; if it waits at that clock, when it goes on. `at` is the caller's clock plus two quanta at
 * least; 0: exactly that. */
int escapement_post(escapement_participant* participant, uint64_t at, void (*function)(void*), void* context);

/* --- time, randomness, the outside
 * ---------------------------------------------------------------------------- */

/* Nanoseconds at the caller's clock, or of the host's realtime clock. 0 if the caller is no participant. */
int64_t escapement_now(void);
/* Ordered. */
int escapement_sleep_until(int64_t deadline_ns);
/* From the caller's own stream: seed and number decide. */
int escapement_random(void* buffer, size_t size);
/* As poll(2), in order, with a timeout in virtual time; negative: none. `ready` gets poll's result; TIMED_OUT
 * with 0. What comes from outside is admitted at a clock that nobody has passed, and that clock is in the
 * journal. In mode serial, idle time is paced by the host's clock while a terminal, a pipe or a socket is
 * polled for input, and jumped over otherwise (an eventfd, say, is taken for the program's own). */
int escapement_poll(struct pollfd* descriptors, nfds_t count, int64_t timeout_ns, int* ready);
/* Input that no order makes reproducible. `read` fills `buffer` and returns how much it put there, or a
 * negative number; that is what `result` gets. It is called once, in order; in a replay not at all: buffer
 * and result are the journal's. `source` names it in reports. */
int escapement_input(const char* source, void* buffer, size_t capacity, int64_t (*read)(void*, void*, size_t),
                     void* context, int64_t* result);

/* --- what is known
 * -------------------------------------------------------------------------------------------- */

typedef struct escapement_statistics {
    size_t size; /* set by the caller */
    uint64_t operations;
    uint64_t waits;      /* operations that found somebody else first */
    uint64_t sleeps;     /* of these, those for which the kernel was called */
    uint64_t boundaries; /* boundaries reached */
    uint64_t held_back;  /* of these, those at which the caller was too far ahead */
    uint64_t jumps;      /* deadlines that came because nobody could do anything before */
} escapement_statistics;
int escapement_domain_statistics(escapement_domain* domain, escapement_statistics* statistics);
/* Mode chosen: ESCAPEMENT_SERIAL or ESCAPEMENT_PARALLEL. */
int escapement_domain_mode(const escapement_domain* domain);
/* Who waits for what, as text; cut to `size`, always ended by 0. By a participant. */
int escapement_domain_describe(escapement_domain* domain, char* text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
