// Walks two logs in step until their kinds part, and counts the rest.

#include "divergence/cause.hpp"
#include "divergence/context.hpp"
#include "divergence/cursor.hpp"
#include "divergence/guest_phase.hpp"

#include <escapement/divergence.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <istream>
#include <span>
#include <utility>

namespace escapement {

namespace divergence {

namespace {

/// One of the two logs.
struct Side {
    explicit Side(Cursor log) : cursor(std::move(log)) {}

    bool advance() {
        if (cursor.next() == Step::over) return false;
        ++by_kind[static_cast<std::size_t>(cursor.kind())];
        return true;
    }

    [[nodiscard]] QemuLogSummary summary() const {
        QemuLogSummary result;
        result.name = cursor.name();
        result.bytes = cursor.bytes_read();
        result.icount = cursor.icount();
        result.by_kind = by_kind;
        for (const std::uint64_t count : by_kind)
            result.events += count;
        result.trouble = cursor.trouble();
        return result;
    }

    Cursor cursor;
    std::array<std::uint64_t, qemu_event_kinds> by_kind{};
};

bool same_payload(const Cursor& a, const Cursor& b) noexcept {
    const std::uint32_t size = a.payload_size();
    if (size != b.payload_size()) return false;
    // Almost all payloads have one of these sizes, which the compiler turns into single comparisons.
    switch (size) {
        case 0:
            return true;
        case 4:
            return std::memcmp(a.payload(), b.payload(), 4) == 0;
        case 8:
            return std::memcmp(a.payload(), b.payload(), 8) == 0;
        default:
            return std::memcmp(a.payload(), b.payload(), size) == 0;
    }
}

class Comparison {
  public:
    Comparison(Side& a, Side& b, const CompareOptions& options)
        : a_(a),
          b_(b),
          context_(std::min(options.context, largest_context)),
          after_payload_(context_),
          after_kind_(context_) {
        result_.payloads.reserve(qemu_event_kinds);  // payloads_of_ points into it.
    }

    Divergence run() {
        walk_in_step();
        finish(a_);
        finish(b_);
        for (std::size_t kind = 0; kind < qemu_event_kinds; ++kind) {
            a_.by_kind[kind] += same_by_kind_[kind];
            b_.by_kind[kind] += same_by_kind_[kind];
        }
        result_.a = a_.summary();
        result_.b = b_.summary();
        if (result_.first() != nullptr) {
            result_.verdict = Divergence::Verdict::different;
        } else if (!result_.a.trouble && !result_.b.trouble) {
            result_.verdict = Divergence::Verdict::identical;
        }
        return std::move(result_);
    }

  private:
    void walk_in_step() {
        std::size_t steps_before_leap = 0;
        while (true) {
            if (steps_before_leap > 0) {
                --steps_before_leap;
            } else if (!after_payload_.wanting() && !walk_over_same_bytes()) {
                steps_before_leap = 64;
            }
            const bool a_has = a_.advance();
            const bool b_has = b_.advance();
            if (!a_has || !b_has) return end_of_one(a_has, b_has);
            const Cursor& a = a_.cursor;
            const Cursor& b = b_.cursor;
            if (a.kind() != b.kind()) return kinds_part();
            const bool same = same_payload(a, b);
            if (!same) payloads_differ();
            if (after_payload_.wanting() && a.index() != result_.by_payload->index)
                after_payload_.add({a.record(), b.record()});
            phase_.see(a.kind(), a.index(), a.icount());
            if (same) {
                history_.push_same(a, b.offset(), b.icount());
            } else {
                history_.push(a, b);
            }
        }
    }

    /// Where the bytes ahead are the same, one walk over them serves both logs. False if that did not go far.
    bool walk_over_same_bytes() {
        constexpr std::size_t far_enough = 256;
        Cursor& a = a_.cursor;
        const std::size_t same = common_size(a.ahead(), b_.cursor.ahead());
        if (same < far_enough) return false;
        const std::byte* const begin = a.ahead().data();
        const std::byte* const limit = begin + same;
        const std::uint64_t first_index = a.next_index();
        const std::uint64_t first_icount = a.icount();
        const std::uint64_t offsets_apart =
            b_.cursor.bytes_read() - a.bytes_read();  // Wraps, and wraps back.
        const std::uint64_t icounts_apart = b_.cursor.icount() - first_icount;
        while (a.next_before(limit)) {
            ++same_by_kind_[static_cast<std::size_t>(a.kind())];
            phase_.see(a.kind(), a.index(), a.icount());
            history_.push_same(a, a.offset() + offsets_apart, a.icount() + icounts_apart);
        }
        const auto walked = static_cast<std::size_t>(a.ahead().data() - begin);
        if (walked > 0) b_.cursor.follow(a, walked, a.next_index() - first_index, a.icount() - first_icount);
        return walked >= far_enough;
    }

    /// How long the same bytes go on, rounded down; a part of the answer if it is long.
    static std::size_t common_size(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
        constexpr std::size_t block = 64;
        constexpr std::size_t enough = std::size_t{16} << 10;
        const std::size_t size = std::min({a.size(), b.size(), enough});
        if (size == 0 || std::memcmp(a.data(), b.data(), size) == 0) return size;
        std::size_t same = 0;
        while (same + block <= size && std::memcmp(a.data() + same, b.data() + same, block) == 0)
            same += block;
        return same;
    }

    void payloads_differ() {
        const Cursor& a = a_.cursor;
        PayloadDifferences*& known = payloads_of_[static_cast<std::size_t>(a.kind())];
        if (known == nullptr) {
            known = &result_.payloads.emplace_back(
                PayloadDifferences{a.kind(), 0, a.index(), cause_of_payloads(evidence()).cause});
        }
        ++known->count;
        if (!result_.by_payload) {
            begin(result_.by_payload.emplace(), after_payload_, cause_of_payloads(evidence()));
        }
        if (a.kind() == QemuEventKind::clock_virtual_rt) warp_clock_differs_ = true;
    }

    void kinds_part() {
        begin(result_.by_kind.emplace(), after_kind_, cause_of_kinds(evidence()));
        if (after_payload_.wanting()) after_payload_.add({a_.cursor.record(), b_.cursor.record()});
        while (after_kind_.wanting() || after_payload_.wanting()) {
            EventPair pair;
            if (a_.advance()) pair.a = a_.cursor.record();
            if (b_.advance()) pair.b = b_.cursor.record();
            if (!pair.a && !pair.b) return;
            after_kind_.add(pair);
            after_payload_.add(pair);
        }
    }

    /// Logs that were read to their end end together, for END is an event; otherwise one cannot be read on,
    /// which says nothing about how the other went on.
    void end_of_one(bool a_has, bool b_has) {
        EventPair pair;
        if (a_has) pair.a = a_.cursor.record();
        if (b_has) pair.b = b_.cursor.record();
        if (a_has || b_has) after_payload_.add(pair);
    }

    void begin(Difference& difference, Followers& followers, Verdict verdict) {
        const Cursor& a = a_.cursor;
        difference.index = a.index();
        difference.phase = phase_.at(a.index(), std::min(a.icount(), b_.cursor.icount()));
        difference.cause = verdict.cause;
        difference.why = std::move(verdict.why);
        difference.events = {a.record(), b_.cursor.record()};
        followers.begin(difference, history_);
    }

    [[nodiscard]] Evidence evidence() const {
        const Cursor& a = a_.cursor;
        return {a.kind(),
                b_.cursor.kind(),
                phase_.at(a.index(), a.icount()),
                seen_before(QemuEventKind::checkpoint_init),
                seen_before(QemuEventKind::clock_virtual_rt),
                warp_clock_differs_};
    }

    /// Whether such an event came before the one A stands on.
    [[nodiscard]] bool seen_before(QemuEventKind kind) const {
        const auto number = static_cast<std::size_t>(kind);
        return a_.by_kind[number] + same_by_kind_[number] > (a_.cursor.kind() == kind ? 1U : 0U);
    }

    static void finish(Side& side) {
        while (side.advance()) {
        }
    }

    Side& a_;
    Side& b_;
    std::size_t context_;
    Followers after_payload_;
    Followers after_kind_;
    History history_;
    PhaseWatch phase_;
    std::array<std::uint64_t, qemu_event_kinds> same_by_kind_{};  ///< counted once for both
    bool warp_clock_differs_ = false;
    std::array<PayloadDifferences*, qemu_event_kinds> payloads_of_{};
    Divergence result_;
};

tl::expected<Divergence, QemuLogError> compare(Cursor a, Cursor b, const CompareOptions& options) {
    if (auto error = a.open()) return tl::make_unexpected(std::move(*error));
    if (auto error = b.open()) return tl::make_unexpected(std::move(*error));
    Side a_side(std::move(a));
    Side b_side(std::move(b));
    return Comparison(a_side, b_side, options).run();
}

}  // namespace

}  // namespace divergence

using divergence::Cursor;
using divergence::SpanBuffer;

tl::expected<Divergence, QemuLogError> compare_qemu_logs(std::istream& a, std::string a_name, std::istream& b,
                                                         std::string b_name, const CompareOptions& options) {
    return divergence::compare(Cursor(a, std::move(a_name)), Cursor(b, std::move(b_name)), options);
}

tl::expected<Divergence, QemuLogError> compare_qemu_logs(std::span<const std::byte> a, std::string a_name,
                                                         std::span<const std::byte> b, std::string b_name,
                                                         const CompareOptions& options) {
    SpanBuffer a_bytes(a);
    SpanBuffer b_bytes(b);
    std::istream a_stream(&a_bytes);
    std::istream b_stream(&b_bytes);
    return divergence::compare(Cursor(a_stream, std::move(a_name), a.size()),
                               Cursor(b_stream, std::move(b_name), b.size()), options);
}

}  // namespace escapement
