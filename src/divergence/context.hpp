#pragma once
// The events around a difference: the last few are always kept, the next few are collected afterwards.

#include "divergence/cursor.hpp"

#include <escapement/divergence.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace escapement::divergence {

inline constexpr std::size_t largest_context = 64;

/// The last events of one log.
class History {
  public:
    void push(const Cursor& cursor) noexcept {
        cursor.record_into(records_[count_ % largest_context]);
        ++count_;
    }

    /// The event `back` events before the latest; nullopt if it was never there.
    [[nodiscard]] std::optional<QemuEventRecord> before(std::uint64_t back) const {
        if (back >= count_ || back >= largest_context) return std::nullopt;
        return records_[(count_ - 1 - back) % largest_context];
    }

  private:
    std::array<QemuEventRecord, largest_context> records_{};
    std::uint64_t count_ = 0;
};

/// Adds what follows a difference to its context, up to the wanted number.
class Followers {
  public:
    explicit Followers(std::size_t wanted) noexcept : wanted_(wanted) {}

    /// Fills in what led up to the difference; both histories end with the events before it.
    void begin(Difference& difference, const History& a, const History& b) {
        difference_ = &difference;
        for (std::size_t back = wanted_; back-- > 0;) {
            EventPair pair{a.before(back), b.before(back)};
            if (pair.a || pair.b) difference.context.push_back(pair);
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
