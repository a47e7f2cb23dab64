// Domains, and who takes part.

#include "domain.hpp"

#include <escapement/thread_end.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>

namespace escapement::link {

Member*& self() {
    [[gnu::tls_model("initial-exec")]] static thread_local constinit Member* member = nullptr;
    return member;
}

int misuse(const escapement_domain* domain, const char* function, int status) {
    if (domain != nullptr && domain->on_misuse != nullptr && status >= ESCAPEMENT_ERRORS)
        domain->on_misuse(domain->context, function, status);
    return status;
}

int begin(const escapement_domain* domain, const char* function) {
    Member* const me = self();
    if (domain->closed.load(std::memory_order_relaxed)) return misuse(domain, function, ESCAPEMENT_CLOSED);
    if (me == nullptr) return misuse(domain, function, ESCAPEMENT_NOT_A_PARTICIPANT);
    if (me->domain != domain) return misuse(domain, function, ESCAPEMENT_OTHER_DOMAIN);
    if (domain->stalled.load(std::memory_order_relaxed)) return ending(domain->journal.get());
    if (me->promised > 0) return misuse(domain, function, ESCAPEMENT_PROMISED);
    run_posts(*me);
    return ESCAPEMENT_OK;
}

void run_posts(Member& me) {
    Engine& engine = *me.domain->engine;
    const bool parallel = me.seat != nullptr;  // known without asking
    const Count clock = parallel ? me.seat->clock : engine.clock(me);
    if (clock >= (parallel ? me.seat->boundary : engine.next_boundary(me))) engine.boundary(me);
    while (!me.in_post && clock >= me.next_post.load(std::memory_order_acquire)) {
        Member::Post post;
        {
            const std::lock_guard guard(me.posts_latch);
            post = me.posts.front();
            me.posts.erase(me.posts.begin());
            me.next_post.store(me.posts.empty() ? parallel::no_clock : me.posts.front().at,
                               std::memory_order_release);
        }
        me.in_post = true;
        post.function(post.context);
        me.in_post = false;
    }
}

void unreference(escapement_domain* domain) {
    if (domain->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete domain;
}

namespace {

constexpr int64_t first_of_2024 = 1'704'067'200'000'000'000;

bool valid(const escapement_options& options) {
    const auto within = [](int value, int most) { return value >= 0 && value <= most; };
    const bool parallel_ticktock =
        options.policy == ESCAPEMENT_TICKTOCK && options.mode == ESCAPEMENT_PARALLEL;
    const bool serial_free = options.policy == ESCAPEMENT_FREE && options.mode == ESCAPEMENT_SERIAL;
    return options.size == sizeof options && within(options.policy, ESCAPEMENT_FREE) &&
           within(options.mode, ESCAPEMENT_PARALLEL) && within(options.clock, ESCAPEMENT_OPERATIONS) &&
           within(options.time, ESCAPEMENT_REAL) && options.quantum < Count{1} << 48 &&
           options.ns_per_count < 1'000'000'000 && !parallel_ticktock && !serial_free;
}

Settings settings_of(const escapement_options& options) {
    const bool reported = options.clock == ESCAPEMENT_REPORTED;
    int mode = options.mode;
    if (options.policy == ESCAPEMENT_TICKTOCK) mode = ESCAPEMENT_SERIAL;
    if (options.policy == ESCAPEMENT_FREE) mode = ESCAPEMENT_PARALLEL;
    if (mode == ESCAPEMENT_AUTO) mode = usable_cpus() > 1 ? ESCAPEMENT_PARALLEL : ESCAPEMENT_SERIAL;
    return {.policy = options.policy,
            .mode = mode,
            .counts_reports = reported,
            .real_time = options.time == ESCAPEMENT_REAL,
            .quantum = options.quantum != 0 ? options.quantum : (reported ? 1'000'000U : 1'000U),
            .ns_per_count = static_cast<Nanoseconds>(options.ns_per_count != 0 ? options.ns_per_count
                                                                               : (reported ? 1U : 100U)),
            .start = options.start_ns,
            .seed = options.seed};
}

/// True if there is somebody who is told; else it is printed.
bool tell(const escapement_domain& domain, const std::string& text) {
    if (domain.on_stall != nullptr) {
        domain.on_stall(domain.context, text.c_str());
        return true;
    }
    std::fputs(text.c_str(), stderr);
    return false;
}

void end(escapement_domain& domain, const std::string& text) {
    if (domain.stalled.exchange(true)) return;
    if (!tell(domain, text)) std::abort();
}

void stall(escapement_domain& domain, const std::string& why, const std::string& report) {
    if (domain.stalled.load()) return;
    if (domain.journal != nullptr && !domain.journal->stalled() && domain.journal->diverged()) return;
    end(domain, why + "\n" + report);
}

/// The journal that `options` ask for. False: it is refused, which is told.
bool open_journal(const escapement_options& options, escapement_domain& domain) {
    if (options.record == nullptr && options.replay == nullptr) return true;
    std::string refusal;
    if (options.record != nullptr && options.replay != nullptr) {
        refusal = "escapement: a domain is either recorded or replayed\n";
    } else if (options.record != nullptr) {
        domain.journal = Journal::create(options.record, domain.settings, refusal);
    } else {
        const bool any_mode = options.mode == ESCAPEMENT_AUTO;
        domain.journal = Journal::follow(options.replay, domain.settings, any_mode, refusal);
    }
    if (domain.journal == nullptr) {
        (void)tell(domain, refusal);
        return false;
    }
    domain.journal->ended = [of = &domain](const std::string& text) { end(*of, text); };
    return true;
}

/// The calling thread ends as a participant. Everybody else would wait for it for ever.
void end_without_leaving(void* participant) {
    auto* const me = static_cast<Member*>(participant);
    if (me == nullptr || self() != me) return;
    escapement_domain* const domain = me->domain;
    std::string why = "escapement: the thread of participant " + std::to_string(me->number) + " '" +
                      me->role + "' ended without escapement_leave, at clock " +
                      std::to_string(domain->engine->clock(*me));
    if (me->held > 0)
        why += ", holding " + std::to_string(me->held) + (me->held == 1 ? " mutex" : " mutexes");
    domain->engine->abandon(*me, why + ": nobody can go on in order");
    me->phase.store(Member::Phase::left);
    domain->present.fetch_sub(1);
    self() = nullptr;
    domain->inside.fetch_sub(1);
}

std::uint64_t mixed(std::uint64_t value) {  // splitmix64's finalizer
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

}  // namespace

}  // namespace escapement::link

using namespace escapement;
using namespace escapement::link;

void escapement_options_init(escapement_options* options) {
    *options = {};
    options->size = sizeof *options;
    options->start_ns = first_of_2024;
}

int escapement_domain_create(const escapement_options* given, escapement_domain** domain) try {
    escapement_options options;
    escapement_options_init(&options);
    if (given != nullptr) options = *given;
    if (domain == nullptr || !valid(options)) return ESCAPEMENT_INVALID;
    auto made = std::make_unique<escapement_domain>();
    made->settings = settings_of(options);
    made->on_stall = options.on_stall;
    made->on_misuse = options.on_misuse;
    made->context = options.context;
    const Stuck stuck = [of = made.get()](const std::string& why, const std::string& report) {
        stall(*of, why, report);
    };
    if (!open_journal(options, *made)) return ESCAPEMENT_JOURNAL;
    Journal* const journal = made->journal.get();
    made->engine = made->settings.mode == ESCAPEMENT_SERIAL ? make_serial(made->settings, stuck, journal)
                                                            : make_parallel(made->settings, stuck, journal);
    *domain = made.release();
    return ESCAPEMENT_OK;
} catch (const std::bad_alloc&) {
    return ESCAPEMENT_NO_MEMORY;
}

int escapement_domain_close(escapement_domain* domain) {
    if (domain == nullptr) return ESCAPEMENT_INVALID;
    if (domain->begun.load() && domain->present.load() > 0)
        return misuse(domain, __func__, ESCAPEMENT_IN_USE);
    const bool closed = domain->closed.exchange(true);
    while (domain->inside.load() > 0)  // the last one out is still on its way
        std::this_thread::yield();
    if (closed || domain->journal == nullptr) return ESCAPEMENT_OK;
    std::string complaint;
    const int status = domain->journal->close(complaint);
    if (!complaint.empty()) (void)tell(*domain, complaint);
    return status;
}

int escapement_domain_destroy(escapement_domain* domain) {
    const int status = escapement_domain_close(domain);
    const bool closed =
        status == ESCAPEMENT_OK || status == ESCAPEMENT_JOURNAL || status == ESCAPEMENT_DIVERGED;
    if (closed) unreference(domain);
    return status;
}

int escapement_admit(escapement_domain* domain, const char* role, escapement_participant** participant) try {
    if (domain == nullptr || role == nullptr || participant == nullptr) return ESCAPEMENT_INVALID;
    Member* by = nullptr;
    if (domain->begun.load()) {
        if (self() == nullptr && !domain->closed.load()) return misuse(domain, __func__, ESCAPEMENT_OUTSIDER);
        if (const int status = begin(domain, __func__); status != ESCAPEMENT_OK) return status;
        by = self();
    } else if (domain->closed.load()) {
        return misuse(domain, __func__, ESCAPEMENT_CLOSED);
    }
    auto member = std::make_unique<escapement_participant>();
    member->domain = domain;
    member->role = role;
    if (!domain->engine->admit(*member, by))
        return domain->stalled.load() ? ending(domain->journal.get())
                                      : misuse(domain, __func__, ESCAPEMENT_TOO_MANY);
    member->random_state = mixed(domain->settings.seed + 0x9e3779b97f4a7c15U * (member->number + 1));
    domain->present.fetch_add(1);
    *participant = member.get();
    const std::lock_guard guard(domain->members_latch);
    domain->members.push_back(std::move(member));
    return ESCAPEMENT_OK;
} catch (const std::bad_alloc&) {
    return ESCAPEMENT_NO_MEMORY;
}

int escapement_enter(escapement_participant* participant) {
    if (participant == nullptr) return ESCAPEMENT_INVALID;
    escapement_domain* const domain = participant->domain;
    if (domain->closed.load()) return misuse(domain, __func__, ESCAPEMENT_CLOSED);
    if (self() != nullptr) return misuse(domain, __func__, ESCAPEMENT_ENTERED_ALREADY);
    auto phase = Member::Phase::admitted;
    if (!participant->phase.compare_exchange_strong(phase, Member::Phase::entered)) {
        return misuse(domain, __func__,
                      phase == Member::Phase::left ? ESCAPEMENT_HAS_LEFT : ESCAPEMENT_ENTERED_ALREADY);
    }
    domain->begun.store(true);
    domain->inside.fetch_add(1);
    self() = participant;
    at_thread_end(end_without_leaving, participant);
    domain->engine->enter(*participant);
    return ESCAPEMENT_OK;
}

int escapement_leave(escapement_participant* participant) {
    if (participant == nullptr) return ESCAPEMENT_INVALID;
    escapement_domain* const domain = participant->domain;
    Member* const me = self();
    const Member::Phase phase = participant->phase.load();
    if (phase == Member::Phase::left) return misuse(domain, __func__, ESCAPEMENT_HAS_LEFT);
    if (phase == Member::Phase::entered && participant != me)
        return misuse(domain, __func__, ESCAPEMENT_WRONG_THREAD);
    const bool stalled = domain->stalled.load();
    if (participant == me && me->held > 0 && !stalled)
        return misuse(domain, __func__, ESCAPEMENT_STILL_HOLDING);
    if (domain->begun.load() && !stalled) {
        if (const int status = begin(domain, __func__); status != ESCAPEMENT_OK) return status;
    }
    participant->phase.store(Member::Phase::left);
    domain->present.fetch_sub(1);
    if (!stalled || domain->settings.mode == ESCAPEMENT_SERIAL) domain->engine->leave(*participant, me);
    if (participant == me) {
        at_thread_end(nullptr, nullptr);
        self() = nullptr;
        domain->inside.fetch_sub(1);
    }
    return ESCAPEMENT_OK;
}

int escapement_join(escapement_participant* participant) {
    if (participant == nullptr) return ESCAPEMENT_INVALID;
    if (const int status = begin(participant->domain, __func__); status != ESCAPEMENT_OK) return status;
    if (participant == self()) return misuse(participant->domain, __func__, ESCAPEMENT_INVALID);
    return participant->domain->engine->join(*self(), *participant);
}

escapement_participant* escapement_self(void) {
    return self();
}

unsigned escapement_number(const escapement_participant* participant) {
    return participant->number;
}

int escapement_domain_mode(const escapement_domain* domain) {
    return domain->settings.mode;
}

int escapement_domain_statistics(escapement_domain* domain, escapement_statistics* statistics) {
    if (domain == nullptr || statistics == nullptr || statistics->size != sizeof *statistics)
        return ESCAPEMENT_INVALID;
    *statistics = {};
    statistics->size = sizeof *statistics;
    domain->engine->statistics(*statistics);
    return ESCAPEMENT_OK;
}

int escapement_domain_describe(escapement_domain* domain, char* text, size_t size) {
    if (domain == nullptr || text == nullptr || size == 0) return ESCAPEMENT_INVALID;
    const std::string report = domain->engine->describe();
    const size_t length = std::min(size - 1, report.size());
    std::copy_n(report.data(), length, text);
    text[length] = '\0';
    return ESCAPEMENT_OK;
}
