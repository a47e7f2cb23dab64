// A journal as a replay performs it: what was read ahead waits in a ring until its participant asks for it.

#include "journal/memory.hpp"

#include <escapement/journal.hpp>

#include <algorithm>
#include <bit>
#include <new>

namespace escapement {

using namespace journal;

namespace {

constexpr std::size_t text_size = std::size_t{1} << 20;  ///< bytes of records read ahead, at most
constexpr std::size_t most_history = 64;
constexpr std::size_t after_count = 4;
constexpr std::size_t hints = 1024;

struct Entry {
    JournalRecord record;
    std::uint64_t index = 0;
    std::uint64_t text_end = 0;  ///< of its bytes, in the sequence of all
    bool taken = false;
};

bool same(const JournalRecord& a, const JournalRecord& b, const ReplayOptions& options) noexcept {
    return a.participant == b.participant && a.kind == b.kind && a.operation == b.operation &&
           a.object == b.object && (!options.compare_clocks || a.clock == b.clock) &&
           (!options.compare_results || a.result == b.result);
}

}  // namespace

struct ReplayCursor::State {
    JournalReader* reader = nullptr;
    ReplayOptions options;
    std::size_t memory_size = 0;

    Entry* ring = nullptr;
    std::size_t mask = 0;
    std::uint64_t head = 0;  ///< positions count up for ever; their place in the ring is theirs & mask
    std::uint64_t tail = 0;
    std::byte* texts = nullptr;
    std::uint64_t text_head = 0;
    std::uint64_t text_tail = 0;
    JournalRecord waiting;  ///< read, but there was no room for it
    bool is_waiting = false;
    bool over = false;
    std::uint64_t from[hints] = {};  ///< by participant: no record of its own that is left lies before

    KeptRecord* history = nullptr;
    std::uint64_t taken = 0;

    [[nodiscard]] Entry& at(std::uint64_t position) noexcept { return ring[position & mask]; }

    void drop_taken() noexcept {
        for (; head != tail && at(head).taken; ++head)
            text_head = at(head).text_end;
    }

    /// Reads one record more; false if there is none, or no room.
    bool fill() noexcept {
        if (tail - head > mask) return false;
        if (!is_waiting) {
            if (over) return false;
            if (!reader->next(waiting)) {
                over = true;
                return false;
            }
            is_waiting = true;
        }
        const std::size_t size = waiting.bytes.size();
        std::uint64_t begin = text_tail;
        if (begin % text_size + size > text_size) begin += text_size - begin % text_size;
        if (begin + size - text_head > text_size) return false;
        std::byte* const copy = texts + begin % text_size;
        std::copy(waiting.bytes.begin(), waiting.bytes.end(), copy);
        text_tail = begin + size;
        Entry& entry = at(tail++);
        entry = {.record = waiting, .index = reader->index(), .text_end = text_tail, .taken = false};
        entry.record.bytes = {copy, size};
        is_waiting = false;
        return true;
    }

    [[nodiscard]] Entry* first() noexcept {
        drop_taken();
        return head != tail || fill() ? &at(head) : nullptr;
    }

    [[nodiscard]] Entry* first_of(ParticipantNumber participant) noexcept {
        drop_taken();
        std::uint64_t position = participant < hints ? std::max(head, from[participant]) : head;
        Entry* found = nullptr;
        for (; position != tail || fill(); ++position) {
            Entry& entry = at(position);
            if (entry.taken || entry.record.participant != participant) continue;
            found = &entry;
            break;
        }
        if (participant < hints) from[participant] = position;
        return found;
    }

    void take(Entry& entry) noexcept {
        entry.taken = true;
        history[taken++ % options.history] = KeptRecord(entry.record, entry.index);
    }

    [[nodiscard]] JournalDivergence tell(const JournalRecord& found, const Entry* expected);
};

JournalDivergence ReplayCursor::State::tell(const JournalRecord& found, const Entry* expected) {
    JournalDivergence told;
    if (expected != nullptr) {
        told.expected = KeptRecord(expected->record, expected->index);
        told.index = expected->index;
    } else {
        told.index = reader->records();
        told.reason = !over                           ? JournalDivergence::Reason::far
                      : reader->trouble().has_value() ? JournalDivergence::Reason::cut
                                                      : JournalDivergence::Reason::over;
        if (reader->trouble()) told.trouble = reader->trouble()->text();
    }
    told.found = KeptRecord(found, told.index);
    for (std::uint64_t n = taken - std::min<std::uint64_t>(taken, options.history); n < taken; ++n)
        told.before.push_back(history[n % options.history]);
    const std::uint64_t begin = expected != nullptr ? expected->index + 1 : 0;
    for (std::uint64_t position = head; told.after.size() < after_count; ++position) {
        if (position == tail && !fill()) break;
        const Entry& entry = at(position);
        if (!entry.taken && entry.index >= begin) told.after.emplace_back(entry.record, entry.index);
    }
    return told;
}

ReplayCursor::ReplayCursor(JournalReader& reader, const ReplayOptions& options) : memory_(options.memory) {
    const std::size_t window = std::bit_ceil(std::max<std::size_t>(options.window, 2));
    const std::size_t history = std::clamp<std::size_t>(options.history, 1, most_history);
    const std::size_t size = aligned(sizeof(State)) + aligned(window * sizeof(Entry)) +
                             aligned(history * sizeof(KeptRecord)) + aligned(text_size);
    Parts parts(memory_->allocate(size, alignment));
    state_ = new (parts.take(sizeof(State))) State;
    State& s = *state_;
    s.reader = &reader;
    s.options = options;
    s.options.history = history;
    s.memory_size = size;
    s.mask = window - 1;
    s.ring = reinterpret_cast<Entry*>(parts.take(window * sizeof(Entry)));
    std::uninitialized_default_construct_n(s.ring, window);
    s.history = reinterpret_cast<KeptRecord*>(parts.take(history * sizeof(KeptRecord)));
    std::uninitialized_default_construct_n(s.history, history);
    s.texts = parts.take(text_size);
}

ReplayCursor::~ReplayCursor() {
    memory_->deallocate(state_, state_->memory_size, alignment);
}

const JournalRecord* ReplayCursor::front() noexcept {
    const Entry* const entry = state_->first();
    return entry != nullptr ? &entry->record : nullptr;
}

const JournalRecord* ReplayCursor::next_of(ParticipantNumber participant) noexcept {
    const Entry* const entry = state_->first_of(participant);
    return entry != nullptr ? &entry->record : nullptr;
}

tl::expected<JournalRecord, JournalDivergence> ReplayCursor::take(const JournalRecord& found) {
    State& s = *state_;
    Entry* const entry = s.options.in_order ? s.first() : s.first_of(found.participant);
    if (entry == nullptr || !same(entry->record, found, s.options))
        return tl::make_unexpected(s.tell(found, entry));
    s.take(*entry);
    return entry->record;
}

bool ReplayCursor::skip() noexcept {
    Entry* const entry = state_->first();
    if (entry == nullptr) return false;
    state_->take(*entry);
    return true;
}

JournalDivergence ReplayCursor::divergence_at(const JournalRecord& found) {
    State& s = *state_;
    return s.tell(found, s.options.in_order ? s.first() : s.first_of(found.participant));
}

const std::optional<JournalError>& ReplayCursor::trouble() const noexcept {
    return state_->reader->trouble();
}

}  // namespace escapement
