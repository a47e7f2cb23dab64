// The caller's clock, time, randomness, posts, and the outside.

#include "domain.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

using namespace escapement;
using namespace escapement::link;

int escapement_advance(uint64_t counts) {
    Member* const me = self();
    if (me == nullptr) return ESCAPEMENT_NOT_A_PARTICIPANT;
    if (counts >= Count{1} << 48) return misuse(me->domain, __func__, ESCAPEMENT_INVALID);
    me->total += counts;
    me->promised -= std::min(me->promised, counts);
    if (!me->domain->settings.counts_reports || me->domain->stalled.load(std::memory_order_relaxed))
        return ESCAPEMENT_OK;
    if (me->direct != nullptr) {
        me->direct->advance(*me->seat, counts);
    } else {
        me->domain->engine->advance(*me, counts);
    }
    run_posts(*me);
    return ESCAPEMENT_OK;
}

int escapement_report(uint64_t total) {
    Member* const me = self();
    if (me == nullptr) return ESCAPEMENT_NOT_A_PARTICIPANT;
    if (total < me->total) return misuse(me->domain, __func__, ESCAPEMENT_CLOCK_BACK);
    return escapement_advance(total - me->total);
}

int escapement_promise(uint64_t counts) {
    Member* const me = self();
    if (me == nullptr) return ESCAPEMENT_NOT_A_PARTICIPANT;
    if (counts >= Count{1} << 48) return misuse(me->domain, __func__, ESCAPEMENT_INVALID);
    if (!me->domain->settings.counts_reports) return ESCAPEMENT_OK;
    me->promised = std::max(me->promised, counts);
    me->domain->engine->promise(*me, counts);
    return ESCAPEMENT_OK;
}

uint64_t escapement_budget(void) {
    const Member* const me = self();
    if (me == nullptr) return 1;
    const Engine& engine = *me->domain->engine;
    const Count clock = engine.clock(*me);
    const Count next = std::min(engine.next_boundary(*me), me->next_post.load(std::memory_order_acquire));
    return next > clock ? next - clock : 1;
}

uint64_t escapement_clock(void) {
    const Member* const me = self();
    return me == nullptr ? 0 : me->domain->engine->clock(*me);
}

int64_t escapement_now(void) {
    const Member* const me = self();
    if (me == nullptr) return 0;
    const Settings& settings = me->domain->settings;
    return settings.real_time ? realtime_ns() : settings.start + me->domain->engine->now(*me);
}

int escapement_random(void* buffer, size_t size) {
    Member* const me = self();
    if (me == nullptr) return ESCAPEMENT_NOT_A_PARTICIPANT;
    auto* to = static_cast<unsigned char*>(buffer);
    while (size > 0) {  // splitmix64
        std::uint64_t value = me->random_state += 0x9e3779b97f4a7c15U;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
        value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
        value ^= value >> 31;
        const size_t part = std::min(size, sizeof value);
        std::memcpy(to, &value, part);
        to += part;
        size -= part;
    }
    return ESCAPEMENT_OK;
}

int escapement_post(escapement_participant* participant, uint64_t at, void (*function)(void*),
                    void* context) try {
    if (participant == nullptr || function == nullptr) return ESCAPEMENT_INVALID;
    escapement_domain& domain = *participant->domain;
    if (const int status = begin(&domain, __func__); status != ESCAPEMENT_OK) return status;
    Member& me = *self();
    const auto post = [&] {
        if (domain.journal != nullptr && !domain.journal->put({.operation = OperationKind::post,
                                                               .participant = me.number,
                                                               .clock = domain.engine->clock(me),
                                                               .result = participant->number})) {
            return;
        }
        const Count soonest = domain.engine->clock(me) + 2 * domain.settings.quantum;
        if (at == 0) at = soonest;
        if (at < soonest) {
            at = 0;
            return;
        }
        const std::lock_guard guard(participant->posts_latch);
        auto& posts = participant->posts;
        const auto place =
            std::upper_bound(posts.begin(), posts.end(), at,
                             [](Count clock, const Member::Post& each) { return clock < each.at; });
        posts.insert(place, {.at = at, .function = function, .context = context});
        participant->next_post.store(posts.front().at, std::memory_order_release);
    };
    if (participant->phase.load() == Member::Phase::left)
        return misuse(&domain, __func__, ESCAPEMENT_HAS_LEFT);
    if (const int status = domain.engine->in_turn(me, post); status != ESCAPEMENT_OK) return status;
    return at == 0 ? misuse(&domain, __func__, ESCAPEMENT_TOO_SOON) : static_cast<int>(ESCAPEMENT_OK);
} catch (const std::bad_alloc&) {
    return ESCAPEMENT_NO_MEMORY;
}

int escapement_poll(struct pollfd* descriptors, nfds_t count, int64_t timeout_ns, int* ready) try {
    Member* const me = self();
    if (me == nullptr) return ESCAPEMENT_NOT_A_PARTICIPANT;
    if ((descriptors == nullptr && count > 0) || ready == nullptr)
        return misuse(me->domain, __func__, ESCAPEMENT_INVALID);
    if (const int status = begin(me->domain, __func__); status != ESCAPEMENT_OK) return status;
    Engine& engine = *me->domain->engine;
    PollRequest request{.descriptors = descriptors, .count = count};
    if (timeout_ns >= 0) request.deadline = engine.now(*me) + std::min<int64_t>(timeout_ns, INT64_MAX / 4);
    const int status = engine.poll(*me, request);
    *ready = std::max(request.result, 0);
    if (status != ESCAPEMENT_OK || request.result >= 0) return status;
    errno = request.error;
    return ESCAPEMENT_SYSTEM;
} catch (const std::bad_alloc&) {
    return ESCAPEMENT_NO_MEMORY;
}

int escapement_input(const char* source, void* buffer, size_t capacity, int64_t (*read)(void*, void*, size_t),
                     void* context, int64_t* result) {
    Member* const me = self();
    if (me == nullptr) return ESCAPEMENT_NOT_A_PARTICIPANT;
    if (source == nullptr || read == nullptr || result == nullptr)
        return misuse(me->domain, __func__, ESCAPEMENT_INVALID);
    if (const int status = begin(me->domain, __func__); status != ESCAPEMENT_OK) return status;
    Journal* const journal = me->domain->journal.get();
    const auto take = [&] {
        if (journal == nullptr || !journal->replays()) *result = read(context, buffer, capacity);
        if (journal == nullptr) return;
        const std::span bytes(static_cast<std::byte*>(buffer), buffer == nullptr ? 0 : capacity);
        if (!journal->input(me->number, me->domain->engine->clock(*me), source, bytes, *result)) *result = 0;
    };
    return me->domain->engine->in_turn(*me, take);
}
