#pragma once
// The events around a difference: the last few are always kept, the next few are collected afterwards.

#include "divergence/cursor.hpp"

#include <escapement/divergence.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace escapement::divergence {

inline constexpr std::size_t largest_context = 64;

/// The last pairs of events. Pairs whose payloads are the same, nearly all, are kept once: this is the
/// comparison's innermost loop.
class History {
  public:
    void push(const Cursor& a, const Cursor& b) noexcept {
        Entry& entry = next();
        a.record_into(entry.a);
        b.record_into(entry.b);
        entry.same = false;
    }

    /// A pair that differs in nothing but its place.
    void push_same(const Cursor& a, std::uint64_t b_offset, std::uint64_t b_icount) noexcept {
        Entry& entry = next();
        a.record_into(entry.a);
        entry.b.offset = b_offset;
        entry.b.icount = b_icount;
        entry.same = true;
    }

    /// The pair `back` pairs before the latest; empty if it was never there.
    [[nodiscard]] EventPair before(std::uint64_t back) const {
        if (back >= count_ || back >= largest_context) return {};
        const Entry& entry = entries_[(count_ - 1 - back) % largest_context];
        EventPair pair{entry.a, entry.b};
        if (entry.same) {
            pair.b = entry.a;
            pair.b->offset = entry.b.offset;
            pair.b->icount = entry.b.icount;
        }
        return pair;
    }

  private:
    struct Entry {
        QemuEventRecord a;
        QemuEventRecord b;
        bool same = false;
    };

    Entry& next() noexcept { return entries_[count_++ % largest_context]; }

    std::array<Entry, largest_context> entries_{};
    std::uint64_t count_ = 0;
};

/// Adds what follows a difference to its context, up to the wanted number.
class Followers {
  public:
    explicit Followers(std::size_t wanted) noexcept : wanted_(wanted) {}

    /// Fills in what led up to the difference; the history ends with the events before it.
    void begin(Difference& difference, const History& history) {
        difference_ = &difference;
        for (std::size_t back = wanted_; back-- > 0;) {
            if (const EventPair pair = history.before(back); pair.a) difference.context.push_back(pair);
        }
        difference.position = difference.context.size();
        difference.context.push_back(difference.events);
        missing_ = wanted_;
    }

    [[nodiscard]] bool wanting() const noexcept { return missing_ > 0; }

    void add(EventPair pair) {
        if (missing_ == 0) return;
        difference_->context.push_back(pair);
        --missing_;
    }

  private:
    std::size_t wanted_;
    std::size_t missing_ = 0;
    Difference* difference_ = nullptr;
};

}  // namespace escapement::divergence
