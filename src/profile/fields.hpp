#pragma once
// The schema: which keys each object of a profile has, in the order in which they are written, and their
// types and bounds. Reader and writer both go through these lists, so they cannot disagree. What must hold
// between fields is in sense.hpp.

#include <escapement/profile.hpp>

#include <array>
#include <concepts>
#include <span>
#include <string_view>
#include <type_traits>

namespace escapement::profile {

/// T, or const T: the reader fills in what the writer only looks at.
template <typename T, typename U>
concept Either = std::same_as<std::remove_const_t<T>, U>;

inline constexpr std::uint64_t any_count = std::uint64_t{1} << 63U;
inline constexpr std::uint64_t largest_distance = std::uint64_t{1} << 40U;  ///< a margin, a period
inline constexpr double largest_number = 1e18;
inline constexpr std::size_t longest_text = 2000;

inline constexpr std::array<std::string_view, 2> spreads{"confidence", "percentiles"};
inline constexpr std::array<std::string_view, 3> fitnesses{"nothing", "order", "boundaries"};

template <typename Archive>
void fields(Archive& archive, Either<Figure> auto& figure) {
    archive.real("value", figure.value);
    archive.real("low", figure.low);
    archive.real("high", figure.high);
    archive.count("n", figure.n, any_count);
    archive.text("unit", figure.unit);
    archive.choice("spread", figure.spread, spreads);
}

template <typename Archive>
void fields(Archive& archive, Either<Fingerprint> auto& host) {
    archive.text("architecture", host.architecture);
    archive.text("cpu", host.cpu);
    archive.text("cpu_identity", host.cpu_identity);
    archive.text("microcode", host.microcode);
    archive.text("kernel", host.kernel);
    archive.text("hypervisor", host.hypervisor);
    archive.texts("core_types", host.core_types, 64);
}

template <typename Archive>
void fields(Archive& archive, Either<CodeFinding> auto& finding) {
    archive.text("code", finding.code);
    archive.count("n", finding.n, any_count);
    archive.difference("least", finding.least);
    archive.difference("most", finding.most);
}

template <typename Archive>
void fields(Archive& archive, Either<OvercountFinding> auto& finding) {
    archive.text("cause", finding.cause);
    archive.object("slope", finding.slope);
}

template <typename Archive>
void fields(Archive& archive, Either<SkidFinding> auto& finding) {
    archive.text("alarm", finding.alarm);
    archive.count("period", finding.period, largest_distance);
    archive.count("n", finding.n, any_count);
    archive.count("lost", finding.lost, any_count);
    archive.count("early", finding.early, any_count);
    archive.count("p50", finding.p50, any_count);
    archive.count("p90", finding.p90, any_count);
    archive.count("p99", finding.p99, any_count);
    archive.count("p9999", finding.p9999, any_count);
    archive.count("most", finding.most, any_count);
    archive.counts("histogram", finding.histogram, 65, any_count);
    archive.counts("largest", finding.largest, SkidFinding::kept, any_count);
    archive.object("latency", finding.latency);
}

template <typename Archive>
void fields(Archive& archive, Either<LoadFinding> auto& finding) {
    archive.text("load", finding.load);
    archive.list("codes", finding.codes, 256);
    archive.list("overcounts", finding.overcounts, 64);
    archive.list("skids", finding.skids, 256);
    archive.object("read_in_user_space", finding.read_in_user_space);
    archive.object("read_by_call", finding.read_by_call);
    archive.object("read_from_elsewhere", finding.read_from_elsewhere);
    archive.object("read_counts", finding.read_counts);
    archive.object("rate", finding.rate);
}

template <typename Archive>
void fields(Archive& archive, Either<EventCode> auto& code) {
    archive.count("type", code.type, ~std::uint32_t{0});
    archive.bits("config", code.config);
    archive.bits("config1", code.config1);
    archive.bits("config2", code.config2);
}

template <typename Archive>
void fields(Archive& archive, Either<Event> auto& event) {
    archive.text("name", event.name);
    archive.object("code", event.code);
}

template <typename Archive>
void fields(Archive& archive, Either<EventFinding> auto& finding) {
    archive.text("name", finding.name);
    archive.object("code", finding.code);
    archive.text("refusal", finding.refusal);
    archive.text("counts", finding.counts);
    archive.text("failed", finding.failed);
    archive.count("at_once", finding.at_once, 65536);
    archive.text("multiplexing", finding.multiplexing);
    archive.count("least_period", finding.least_period, largest_distance);
    archive.list("loads", finding.loads, 8);
}

template <typename Archive>
void fields(Archive& archive, Either<HostCosts> auto& costs) {
    archive.object("trap_flag_step", costs.trap_flag_step);
    archive.object("breakpoint_step", costs.breakpoint_step);
    archive.object("signal", costs.signal);
    archive.object("ordered_operation", costs.ordered_operation);
    archive.object("timer_lateness", costs.timer_lateness);
}

template <typename Archive>
void fields(Archive& archive, Either<Verdict> auto& verdict) {
    archive.choice("fitness", verdict.fitness, fitnesses);
    archive.optional("clock", verdict.clock);
    archive.optional("alarm", verdict.alarm);
    archive.count("margin", verdict.margin, largest_distance);
    archive.text("fallback", verdict.fallback);
    archive.texts("reasons", verdict.reasons, 1000);
    archive.texts("advice", verdict.advice, 1000);
}

template <typename Archive>
void fields(Archive& archive, Either<CoreProfile> auto& core) {
    archive.text("core_type", core.core_type);
    archive.counts("cpus", core.cpus, 65536, 1U << 20U);
    archive.list("events", core.events, 256);
    archive.object("costs", core.costs);
    archive.object("verdict", core.verdict);
}

template <typename Archive>
void fields(Archive& archive, Either<Profile> auto& profile) {
    archive.version("schema_version", Profile::schema_version);
    archive.text("created", profile.created);
    archive.text("effort", profile.effort);
    archive.object("host", profile.host);
    archive.list("cores", profile.cores, 64);
}

}  // namespace escapement::profile
