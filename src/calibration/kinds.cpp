#include "calibration/kinds.hpp"

#include <algorithm>
#include <cmath>

namespace escapement::calibration {

namespace {

/// Beyond this a count is no count any more, and differences of differences could overflow.
constexpr std::int64_t absurd = std::int64_t{1} << 60U;
/// A count that is wrong by no more than this share is still a count of its kind, if a bad one.
constexpr double near_enough = 0.02;

}  // namespace

void CodeRecord::deviates(Deviation& from, std::int64_t by) const {
    from.least = n_ == 1 ? by : std::min(from.least, by);
    from.most = n_ == 1 ? by : std::max(from.most, by);
    from.sum += std::fabs(static_cast<double>(by));
}

void CodeRecord::add(Count rounds, const Workbench::CodeCount& few, const Workbench::CodeCount& many) {
    const std::int64_t counted =
        std::clamp(static_cast<std::int64_t>(many.counted - few.counted), -absurd, absurd);
    const std::int64_t again = many.again - few.again;
    const auto times = static_cast<std::int64_t>(rounds);
    ++n_;
    only_zeros_ = only_zeros_ && many.counted == 0 && few.counted == 0;
    for (std::size_t index = 0; index < kinds.size(); ++index) {
        const auto of = kinds[index].of;
        const std::int64_t expected = of(code_.each) * times + of(code_.again) * again;
        deviates(by_kind_[index], counted - expected);
        by_kind_[index].expected += std::fabs(static_cast<double>(expected));
    }
    deviates(of_its_own_, counted - first_.emplace(rounds, counted).first->second);
}

bool CodeRecord::exact(std::size_t kind) const {
    return n_ > 0 && by_kind_[kind].least == 0 && by_kind_[kind].most == 0;
}

double CodeRecord::error(std::size_t kind) const {
    const Deviation& deviation = by_kind_[kind];
    if (deviation.sum == 0) return 0;
    return deviation.sum >= deviation.expected ? 1 : deviation.sum / deviation.expected;
}

CodeFinding CodeRecord::finding(std::size_t kind) const {
    const Deviation& deviation = kind < kinds.size() ? by_kind_[kind] : of_its_own_;
    return {.code = code_.name, .n = n_, .least = deviation.least, .most = deviation.most};
}

std::size_t kind_of(const std::vector<CodeRecord>& records) {
    std::size_t best = kinds.size();
    std::size_t best_exact = 0;
    double best_error = 0;
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        std::size_t measured = 0;
        std::size_t exact = 0;
        double sum = 0;
        double worst = 0;
        for (const CodeRecord& record : records) {
            if (record.n() == 0) continue;
            ++measured;
            exact += record.exact(kind) ? 1U : 0U;
            const double error = record.error(kind);
            sum += error;
            worst = std::max(worst, error);
        }
        if (measured == 0 || (exact * 2 <= measured && worst > near_enough)) continue;
        if (best == kinds.size() || exact > best_exact || (exact == best_exact && sum < best_error)) {
            best = kind;
            best_exact = exact;
            best_error = sum;
        }
    }
    return best;
}

}  // namespace escapement::calibration
