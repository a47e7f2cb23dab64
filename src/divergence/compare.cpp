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
#include <utility>

namespace escapement {

namespace divergence {

namespace {

/// One of the two logs.
struct Side {
    Side(std::istream& log, std::string name) : cursor(log, std::move(name)) {}

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
    History history;
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
        while (true) {
            const bool a_has = a_.advance();
            const bool b_has = b_.advance();
            if (!a_has || !b_has) return end_of_one(a_has, b_has);
            const Cursor& a = a_.cursor;
            const Cursor& b = b_.cursor;
            if (a.kind() != b.kind()) return kinds_part();
            if (!same_payload(a, b)) payloads_differ();
            if (after_payload_.wanting() && a.index() != result_.by_payload->index)
                after_payload_.add({a.record(), b.record()});
            if (a.kind() == QemuEventKind::clock_virtual_rt) warp_clock_seen_ = true;
            phase_.see(a.kind(), a.index(), a.icount());
            a_.history.push(a);
            b_.history.push(b);
        }
    }

    void payloads_differ() {
        const Cursor& a = a_.cursor;
        PayloadDifferences*& known = payloads_of_[static_cast<std::size_t>(a.kind())];
        if (known == nullptr) {
            known = &result_.payloads.emplace_back(PayloadDifferences{a.kind(), 0, a.index()});
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
        followers.begin(difference, a_.history, b_.history);
    }

    [[nodiscard]] Evidence evidence() const {
        const Cursor& a = a_.cursor;
        return {a.kind(), b_.cursor.kind(), phase_.at(a.index(), a.icount()), warp_clock_seen_,
                warp_clock_differs_};
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
    PhaseWatch phase_;
    bool warp_clock_seen_ = false;
    bool warp_clock_differs_ = false;
    std::array<PayloadDifferences*, qemu_event_kinds> payloads_of_{};
    Divergence result_;
};

}  // namespace

}  // namespace divergence

tl::expected<Divergence, QemuLogError> compare_qemu_logs(std::istream& a, std::string a_name, std::istream& b,
                                                         std::string b_name, const CompareOptions& options) {
    divergence::Side a_side(a, std::move(a_name));
    divergence::Side b_side(b, std::move(b_name));
    if (auto error = a_side.cursor.open()) return tl::make_unexpected(std::move(*error));
    if (auto error = b_side.cursor.open()) return tl::make_unexpected(std::move(*error));
    return divergence::Comparison(a_side, b_side, options).run();
}

tl::expected<Divergence, QemuLogError> compare_qemu_logs(std::span<const std::byte> a, std::string a_name,
                                                         std::span<const std::byte> b, std::string b_name,
                                                         const CompareOptions& options) {
    divergence::SpanBuffer a_bytes(a);
    divergence::SpanBuffer b_bytes(b);
    std::istream a_stream(&a_bytes);
    std::istream b_stream(&b_bytes);
    return compare_qemu_logs(a_stream, std::move(a_name), b_stream, std::move(b_name), options);
}

}  // namespace escapement
