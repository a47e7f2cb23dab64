#pragma once
// Benchmarks that are compared: medians of several repetitions, taken in turn in one run, and a table of
// their ratios at the end. Prints; asserts nothing, since machines are noisy.
//
//     benchmark::RegisterBenchmark("this", …);
//     return bench::run(argc, argv, {{"this against that", "this", "that", "<= 1.3"}});
//
// The unit is nanoseconds. In the laboratory, whose machine's time is one nanosecond an instruction, that is
// guest instructions, and ESCAPEMENT_BENCH_UNIT says so:
//
//     tools/lab env ESCAPEMENT_BENCH_UNIT='guest instructions' bench_turns --benchmark_min_time=0.005

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace bench {

/// One line of the table: `this_one` (less `without`, if that is given) divided by `against`, all of them
/// names of benchmarks.
struct Ratio {
    std::string text;
    std::string this_one;
    std::string against;
    std::string aim{};      ///< what it should be, in words; empty if nothing is asked for
    std::string without{};  ///< what is not to count
};

/// What is not measured here, and why: one line.
inline void skip(const std::string& what, const std::string& why) {
    std::printf("skipped: %s: %s\n", what.c_str(), why.c_str());
}

inline std::string unit() {
    const char* const given = std::getenv("ESCAPEMENT_BENCH_UNIT");
    return given != nullptr ? given : "ns";
}

/// What Google Benchmark prints, kept for the table.
class Medians final : public benchmark::ConsoleReporter {
  public:
    Medians() : ConsoleReporter(OO_Tabular) {}
    void ReportRuns(const std::vector<Run>& runs) override {
        ConsoleReporter::ReportRuns(runs);
        for (const Run& each : runs) {
            if (each.run_type == Run::RT_Aggregate && each.aggregate_name == "median" && !each.error_occurred)
                medians_[each.run_name.function_name] = each.GetAdjustedRealTime();
        }
    }
    void print(const std::vector<Ratio>& ratios) const {
        std::printf("\n%-64s %10s %10s %7s  %s\n", ("medians, " + unit()).c_str(), "this", "against", "ratio",
                    "aim");
        for (const Ratio& each : ratios) {
            const auto one = medians_.find(each.this_one);
            const auto other = medians_.find(each.against);
            if (one == medians_.end() || other == medians_.end()) continue;
            const auto without = medians_.find(each.without);
            const double value = one->second - (without == medians_.end() ? 0.0 : without->second);
            std::printf("%-64s %10.1f %10.1f %7.2f  %s\n", each.text.c_str(), value, other->second,
                        value / other->second, each.aim.c_str());
        }
    }

  private:
    std::map<std::string, double> medians_;
};

inline int run(int argc, char** argv, const std::vector<Ratio>& ratios) {
    // What is given on the command line comes later, and so wins.
    std::vector<std::string> words = {argv[0], "--benchmark_repetitions=9",
                                      "--benchmark_enable_random_interleaving=true",
                                      "--benchmark_report_aggregates_only=true", "--benchmark_min_time=0.05"};
    words.insert(words.end(), argv + 1, argv + argc);
    std::vector<char*> arguments;
    arguments.reserve(words.size());
    for (std::string& each : words)
        arguments.push_back(each.data());
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
    if (unit() != "ns") std::printf("\"ns\" below are %s\n", unit().c_str());
    Medians medians;
    benchmark::RunSpecifiedBenchmarks(&medians);
    medians.print(ratios);
    benchmark::Shutdown();
    return 0;
}

}  // namespace bench
