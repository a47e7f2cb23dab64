#include "calibration/tail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace escapement::calibration {

namespace {

constexpr double accepted = 1e-9;  ///< of alarms may come later than the margin
constexpr double deviations = 3;   ///< of the estimated shape, towards the worse
constexpr double reserve = 1.25;   ///< for tails that are not quite of the form that is fitted
constexpr double whole = 16;       ///< counts: that skids are whole numbers hides what is smaller
constexpr std::size_t fewest_to_fit = 10;
constexpr std::size_t enough_to_fit = 30;

/// Standard deviation of the estimated shape, for the square root of one sample.
double uncertainty(double shape) {
    // The formula has no value from 1/2 on, and none that is of use close to it.
    const double s = std::clamp(shape, -1.0, 0.45);
    return std::sqrt((1 - s) * (2 - s) * (2 - s) * (1 - s + 2 * s * s) / ((1 - 2 * s) * (3 - 2 * s)));
}

/// How far past the threshold the margin must lie. `excesses`: descending, all above 0; `share`: of all
/// alarms.
double beyond(std::span<const double> excesses, double share) {
    // All about as far: a second, rarer way to be late, and no tail. Were it one, a chance of 10^-5.
    if (excesses.size() >= enough_to_fit && excesses.front() > whole &&
        excesses.front() < 1.5 * excesses[excesses.size() / 2])
        return excesses.front();
    const auto k = static_cast<double>(excesses.size());
    double mean = 0;
    double weighted = 0;  // by how many are larger
    for (std::size_t index = 0; index < excesses.size(); ++index) {
        mean += excesses[index] / k;
        weighted += excesses[index] * static_cast<double>(index) / (k - 1) / k;
    }
    // A tail that ends sooner than evenly spread skids do is not believed to.
    const double shape = std::max(2 - mean / std::max(mean - 2 * weighted, mean / 3), -1.0);
    const double scale = mean * (1 - shape) * (1 + 1 / std::sqrt(k));
    const double worst = shape + deviations * uncertainty(shape) / std::sqrt(k);
    const double ratio = std::max(share / accepted, 1.0);
    if (std::fabs(worst) < 1e-6) return scale * std::log(ratio);
    return scale * (std::pow(ratio, worst) - 1) / worst;
}

struct Pooled {
    std::vector<double> largest;  ///< descending; all that there are above `complete_above`
    double complete_above = 0;
};

Pooled pool(std::span<const SkidFinding* const> skids) {
    Pooled pooled;
    for (const SkidFinding* const skid : skids) {
        for (const Count each : skid->largest)
            pooled.largest.push_back(static_cast<double>(each));
        if (skid->largest.size() < skid->n - skid->lost && !skid->largest.empty())
            pooled.complete_above =
                std::max(pooled.complete_above, static_cast<double>(skid->largest.back()));
    }
    std::sort(pooled.largest.rbegin(), pooled.largest.rend());
    return pooled;
}

/// The margin by the tail above the n/`part` largest skids; nothing if too few lie above to tell.
std::optional<double> by_tail(const Pooled& pooled, double n, double part, std::size_t fewest) {
    const auto rank = static_cast<std::size_t>(n / part);
    if (pooled.largest.empty()) return std::nullopt;
    const double threshold =
        std::max(pooled.complete_above, pooled.largest[std::min(rank, pooled.largest.size() - 1)]);
    std::vector<double> excesses;
    for (const double each : pooled.largest) {
        // Counts are whole: what is one above may be anything from a half on.
        if (each > threshold) excesses.push_back(each - threshold - 0.5);
    }
    if (excesses.size() < fewest) return std::nullopt;
    return threshold + reserve * beyond(excesses, static_cast<double>(excesses.size()) / n);
}

}  // namespace

Tail tail_of(std::span<const SkidFinding* const> skids) {
    Tail tail;
    for (const SkidFinding* const skid : skids) {
        tail.n += skid->n - skid->lost;
        tail.lost += skid->lost;
        tail.early += skid->early;
        tail.most = std::max(tail.most, skid->most);
    }
    if (tail.n == 0) return tail;
    const auto most = static_cast<double>(tail.most);
    if (tail.most == 0) {
        tail.margin = tail.n >= enough_alarms ? 0 : whole;
        tail.why = tail.n >= enough_alarms ? "every one was exactly on time"
                                           : fmt::format("every one was on time, but {} are few", tail.n);
        return tail;
    }
    const double factor = tail.n >= enough_alarms ? 2 : 4;
    tail.margin = std::max(factor * most, most + whole);
    tail.why = factor * most > most + whole ? fmt::format("{} times the latest", factor)
                                            : fmt::format("the latest and {}", whole);
    const auto n = static_cast<double>(tail.n);
    const Pooled pooled = pool(skids);
    // Whichever threshold tells most: the higher, the closer to the tail; the lower, the more there is to
    // see.
    std::optional<double> margin;
    for (const std::size_t fewest : {enough_to_fit, fewest_to_fit}) {
        for (const double part : {10.0, 40.0, 160.0}) {
            const auto found = by_tail(pooled, n, part, fewest);
            if (found && (!margin || *found < *margin)) margin = found;
        }
        if (margin) break;
    }
    if (!margin) {
        // Nearly all are the same, and a few are not: of how the few spread nothing is known.
        const auto rank = std::min(static_cast<std::size_t>(n / 10), pooled.largest.size() - 1);
        const double usual = std::max(pooled.complete_above, pooled.largest[rank]);
        if (most > usual) {
            margin = usual + 16 * (most - usual);
            if (*margin > tail.margin)
                tail.why = fmt::format("the few that were late, {} past the usual {}, are taken sixteenfold",
                                       most - usual, usual);
        }
    } else if (*margin > tail.margin) {
        tail.why = "where the tail of the skids, continued, has one alarm in 10^9";
    }
    if (margin) tail.margin = std::max(tail.margin, std::ceil(*margin));
    return tail;
}

}  // namespace escapement::calibration
