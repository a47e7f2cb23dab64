// A margin too small must never be recommended. The skids of each of these counters have an end that is known
// here, and not to the calibration; no counter hides it deeper than one alarm in 10^9, nor behind a second
// way of being late that is rarer than one in a hundred: of what is not seen, nothing can be said.
#include "simulated_workbench.hpp"

#include <catch2/catch.hpp>

using namespace escapement;
using namespace escapement::simulated;

namespace {

struct Skidding {
    std::string what;
    Skid skid;
    Count most = 0;
    bool benign = false;  ///< must be recommended, and not with a margin out of all proportion
    double usual = 0;     ///< of what a benign one's margin is a small multiple
};

std::int64_t limited(double skid, double most) {
    return static_cast<std::int64_t>(std::min(skid, most));
}

Skidding any(Random& random) {
    const double base = static_cast<double>(random.below(200));
    const double scale = 1 + 300 * random.real() * random.real();
    switch (random.below(8)) {
        case 0:
            return {"constant", constant(static_cast<std::int64_t>(base)), static_cast<Count>(base), true,
                    base};
        case 1: {
            const double most = std::floor(base + scale);
            return {"even", [=](Random& r) { return limited(base + (most - base + 1) * r.real(), most); },
                    static_cast<Count>(most), true, most};
        }
        case 2: {
            const double most = std::floor(base + scale * (5 + 15 * random.real()));
            return {"exponential",
                    [=](Random& r) { return limited(base - scale * std::log(r.real()), most); },
                    static_cast<Count>(most), true, base + scale * 20};
        }
        case 3: {
            // At most as far as one in 10^9.
            const double power = 0.15 + random.real();
            const double most = std::floor((base + 5) * std::pow(10, 9 * power * random.real()));
            return {"power",
                    [=](Random& r) { return limited((base + 5) * std::pow(r.real(), -power), most); },
                    static_cast<Count>(most)};
        }
        case 4: {
            const double rare = 0.01 + 0.1 * random.real();
            const double far = base + std::floor(scale * 20);
            return {"two ways", [=](Random& r) { return limited(r.chance(rare) ? far : base, far); },
                    static_cast<Count>(far), true, far};
        }
        case 5: {
            const double rare = 0.01 + 0.1 * random.real();
            const double most = std::floor(base + scale * 20);
            return {"rarely, evenly",
                    [=](Random& r) {
                        return limited(r.chance(rare) ? base + (most - base + 1) * r.real() : base, most);
                    },
                    static_cast<Count>(most)};
        }
        case 6: {
            const double width = 0.2 + random.real();
            const double most = std::floor((base + 5) * std::exp(width * (2 + 4 * random.real())));
            return {"log-normal",
                    [=](Random& r) {
                        const double normal =
                            std::sqrt(-2 * std::log(r.real())) * std::cos(6.283185307 * r.real());
                        return limited((base + 5) * std::exp(width * normal), most);
                    },
                    static_cast<Count>(most)};
        }
        default: {
            const double rare = 0.5 * random.real();
            return {"on time or by one",
                    [=](Random& r) { return std::int64_t{r.chance(rare + 0.01) ? 1 : 0}; }, 1, true, 1};
        }
    }
}

}  // namespace

TEST_CASE("of random counters none is given a margin less than its latest alarm") {
    Random random(20260131);
    int recommended = 0;
    int benign = 0;
    for (std::uint64_t number = 0; number < ESCAPEMENT_TEST_COUNTERS; ++number) {
        const Skidding skidding = any(random);
        SimulatedWorkbench bench(number);
        SimulatedCounter& counter = bench.add("CLOCK");
        counter.skid = skidding.skid;
        const Profile profile = calibrated(bench);
        const Verdict& verdict = profile.cores.at(0).verdict;
        CAPTURE(number, skidding.what, skidding.most, verdict.margin);
        for (const LoadFinding& load : profile.cores[0].events.at(0).loads) {
            for (const SkidFinding& skid : load.skids) {
                REQUIRE(skid.most <= skidding.most);
                if (verdict.alarm) REQUIRE(verdict.margin >= skid.most);
            }
        }
        if (verdict.fitness == Verdict::Fitness::boundaries) {
            ++recommended;
            REQUIRE(verdict.margin >= skidding.most);
        } else {
            REQUIRE(verdict.fitness == Verdict::Fitness::order);
        }
        if (!skidding.benign) continue;
        ++benign;
        REQUIRE(verdict.fitness == Verdict::Fitness::boundaries);
        REQUIRE(static_cast<double>(verdict.margin) <= 16 + 20 * skidding.usual);
    }
    CHECK(benign > ESCAPEMENT_TEST_COUNTERS / 2);
    CHECK(recommended > benign);
}
