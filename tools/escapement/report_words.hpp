#pragma once
// What a profile says, in words, and what of an event's many figures matters.

#include <escapement/profile.hpp>

#include <optional>
#include <string>
#include <vector>

namespace escapement::report {

/// One sentence for one who reads only that.
std::string headline(const Verdict& verdict);
/// The same for a whole profile: that of its only core type, or which core types are fit for what.
std::string headline(const Profile& profile);
/// What to do with it: a command for `escapement run`, and why so.
std::string how_to_use(const Verdict& verdict);
/// "clock", "alarm", "clock and alarm", "refused", "failed" or "passed over".
std::string role_of(const EventFinding& event, const Verdict& verdict);
/// Why it cannot be counted or what it failed, beginning with its name; empty if neither.
std::string remark_of(const EventFinding& event);
/// The best fitness of all core types.
Verdict::Fitness best_fitness(const Profile& profile);
/// "Linux 6.1.0-18-amd64 on KVM".
std::string system_of(const Fingerprint& host);

/// Over all loads.
struct Deviations {
    std::int64_t least = 0;
    std::int64_t most = 0;
    std::uint64_t n = 0;
};
Deviations deviations_of(const EventFinding& event);

/// The cause that adds most to each count, over all loads; null if nothing was measured.
const OvercountFinding* worst_overcount(const EventFinding& event);
bool is_exact(const Figure& slope);

/// All the skids of one clock by one alarm, over loads and periods: sums, and the worst of each percentile.
struct Skids {
    std::string alarm;
    std::uint64_t n = 0, lost = 0, early = 0;
    Count p50 = 0, p99 = 0, most = 0;
};
std::vector<Skids> skids_of(const EventFinding& event);

/// The largest value of a figure over all loads; n is 0 if it was measured under none.
Figure worst(const EventFinding& event, Figure LoadFinding::*what);

}  // namespace escapement::report
