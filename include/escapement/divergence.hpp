#pragma once
// Where two recordings of the same run first differ, and why.
//
//     std::ifstream a("1.rr", std::ios::binary), b("2.rr", std::ios::binary);
//     auto divergence = escapement::compare_qemu_logs(a, "1.rr", b, "2.rr");
//     if (!divergence) return complain(divergence.error().text());
//     if (divergence->by_kind) fmt::print("event {}: {}\n", divergence->by_kind->index,
//     divergence->by_kind->why);
//
// There are two answers. By *kind*: from some event on the two logs do not even tell of the same things. By
// *payload*: up to there they do, but an earlier pair of events carries different values (a clock, a number
// of instructions). Payloads are compared only before the kinds part; afterwards there are no pairs.
//
// Promise: memory does not grow with the logs, every byte of both logs is compared, nothing throws except
// std::bad_alloc. Verdict::identical means that the two files are equal to the last byte.
//
// Thread safety: a call uses its two streams and nothing else.

#include <escapement/qemu_log.hpp>

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace escapement {

/// How far the guest was, as far as the events tell. Judged, not known.
enum class GuestPhase : std::uint8_t {
    machine_setup,  ///< no guest instruction has run yet
    firmware,       ///< firmware or loader: the guest has taken few interrupts so far
    boot,           ///< a kernel that handles interrupts, never idle yet
    running,        ///< the guest has been idle before, and is busy now
    idle,           ///< every virtual CPU halted a moment ago; time is warped over the wait
    shutdown,       ///< a reset or power-off was requested
};

[[nodiscard]] const char* phase_name(GuestPhase phase) noexcept;

/// Why two recordings differ.
enum class DivergenceCause : std::uint8_t {
    host_clock,        ///< the wall clock was read
    start_up_time,     ///< the first warp of the guest's clock added the time that start-up took
    thread_order,      ///< the main loop and the vCPU thread took turns differently
    randomness,        ///< random numbers from the host
    idle_time,         ///< how long an idle guest waited was measured in real time
    block_completion,  ///< a disk request was completed at another moment
    outside_input,     ///< input from a device, the network or the user came differently
    other_machine,     ///< another command line or another QEMU: the machines were not built alike
    ended,             ///< one recording was ended, by the host, before the other
};

/// A short name for reports: "host clock", "thread order", …
[[nodiscard]] const char* cause_name(DivergenceCause cause) noexcept;

/// The events of one number in the two logs; nullopt where a log is over.
struct EventPair {
    std::optional<QemuEventRecord> a;
    std::optional<QemuEventRecord> b;
};

struct Difference {
    std::uint64_t index = 0;  ///< number of the event, from 0, the same in both logs
    GuestPhase phase = GuestPhase::machine_setup;
    DivergenceCause cause = DivergenceCause::thread_order;
    std::string why;  ///< the likely cause in a sentence or two
    EventPair events;
    std::vector<EventPair> context;  ///< the events around it, itself included
    std::size_t position = 0;        ///< which of `context` it is
};

/// How often payloads of a kind differed before the kinds part.
struct PayloadDifferences {
    QemuEventKind kind = QemuEventKind::end;
    std::uint64_t count = 0;
    std::uint64_t first = 0;                                ///< number of the first such event
    DivergenceCause cause = DivergenceCause::thread_order;  ///< the likely one of the first
};

struct Divergence {
    enum class Verdict : std::uint8_t {
        identical,
        different,
        unknown,  ///< no difference up to where one of the logs can no longer be read
    };

    Verdict verdict = Verdict::unknown;
    QemuLogSummary a;
    QemuLogSummary b;
    std::optional<Difference> by_kind;
    std::optional<Difference> by_payload;
    std::vector<PayloadDifferences> payloads;  ///< in the order in which they first occur

    /// The earlier of the two, nullptr if there is none.
    [[nodiscard]] const Difference* first() const noexcept {
        if (by_payload) return &*by_payload;  // Payloads are compared only before the kinds part.
        return by_kind ? &*by_kind : nullptr;
    }
    [[nodiscard]] bool identical() const noexcept { return verdict == Verdict::identical; }
};

struct CompareOptions {
    std::size_t context = 6;  ///< events shown before and after a difference (at most 64)
};

/// Compares two logs, each standing at its beginning. An error only if one of them cannot be opened as a log
/// (then it says which); a log that cannot be read to its end has QemuLogSummary::trouble.
[[nodiscard]] tl::expected<Divergence, QemuLogError> compare_qemu_logs(std::istream& a, std::string a_name,
                                                                       std::istream& b, std::string b_name,
                                                                       const CompareOptions& options = {});
[[nodiscard]] tl::expected<Divergence, QemuLogError> compare_qemu_logs(std::span<const std::byte> a,
                                                                       std::string a_name,
                                                                       std::span<const std::byte> b,
                                                                       std::string b_name,
                                                                       const CompareOptions& options = {});

}  // namespace escapement
