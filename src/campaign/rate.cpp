#include <escapement/campaign.hpp>

#include <cmath>

namespace escapement::campaign {

namespace {

/// The probability of at most `most` differences in `trials`, each with probability `rate`. In logarithms,
/// because the first terms of a long campaign are smaller than any number.
double at_most(std::uint64_t most, std::uint64_t trials, double rate) {
    const auto n = static_cast<double>(trials);
    double sum = 0;
    for (std::uint64_t differences = 0; differences <= most; ++differences) {
        const auto k = static_cast<double>(differences);
        sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                        k * std::log(rate) + (n - k) * std::log1p(-rate));
    }
    return sum;
}

}  // namespace

double rate_bound(std::uint64_t differences, std::uint64_t trials) {
    constexpr double chance = 0.05;
    if (differences >= trials) return 1;
    double low = 0;
    double high = 1;
    // Each halving brings a bit; there are no more bits to a number than that.
    for (int halving = 0; halving < 60; ++halving) {
        const double middle = (low + high) / 2;
        (at_most(differences, trials, middle) > chance ? low : high) = middle;
    }
    return high;
}

}  // namespace escapement::campaign
