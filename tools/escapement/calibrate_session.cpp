#include "calibrate_session.hpp"

#include "calibrate_progress.hpp"
#include "report_page.hpp"
#include "report_table.hpp"
#include "report_text.hpp"
#include "report_words.hpp"
#include "verify_report.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <optional>

namespace escapement::command {

namespace {

namespace fs = std::filesystem;

int complain(const CalibrateHost& host, const std::string& text) {
    fmt::print(host.err, "escapement calibrate: {}\n", report::printable(text));
    return calibrate_trouble;
}

/// Why a profile cannot be stored at `path`; to be known before minutes of measuring.
std::string cannot_store(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    // Storing replaces what is there: that would be the end of a device.
    if (fs::exists(status) && !fs::is_regular_file(status))
        return fmt::format("cannot write {}: it is not a regular file; --json prints the profile", path);
    const fs::path directory = fs::absolute(path, error).parent_path();
    if (!fs::is_directory(directory, error)) return {};  // it will be made
    return verify::cannot_write(path);
}

std::optional<CalibrationOptions::Effort> effort_named(const std::string& name) {
    using Effort = CalibrationOptions::Effort;
    if (name == "quick") return Effort::quick;
    if (name == "default") return Effort::standard;
    if (name == "thorough") return Effort::thorough;
    return std::nullopt;
}

tl::expected<Profile, std::string> measure(const CalibrateRequest& request, const CalibrateHost& host) {
    CalibrationProgressLine line(host.err, host.err_is_terminal);
    auto measured = host.measure(request.options, [&line](const CalibrationProgress& progress) {
        line.show(progress,
                  std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
    });
    if (measured) measured->created = host.time();
    return measured;
}

int write_report(const CalibrateRequest& request, const CalibrateHost& host, const Profile& profile) {
    if (request.report.empty()) return 0;
    const auto written = verify::write_whole(request.report, report::page_of(profile));
    return written ? 0 : complain(host, written.error());
}

int print(const CalibrateHost& host, const std::string& text) {
    fmt::print(host.out, "{}", text);
    return std::fflush(host.out) == 0 ? 0 : complain(host, "cannot write to standard output");
}

int check(CalibrateRequest request, const CalibrateHost& host) {
    const auto then = load_profile(request.check);
    if (!then) return complain(host, then.error());
    if (const std::string differs = difference(then->host, host.fingerprint()); !differs.empty()) {
        return complain(host, fmt::format("{} is of another host: {}; nothing was measured. "
                                          "`escapement calibrate` makes a profile of this one",
                                          request.check, differs));
    }
    request.options.effort = effort_named(then->effort).value_or(CalibrationOptions::Effort::standard);
    const auto now = measure(request, host);
    if (!now) return complain(host, now.error());
    if (!request.output.empty()) {
        if (const auto stored = store_profile(*now, request.output); !stored)
            return complain(host, stored.error());
    }
    if (write_report(request, host, *now) != 0) return calibrate_trouble;
    const Drift drifted = host.drift(*then, *now);
    std::string text;
    if (request.json) text = write_profile(*now);
    const auto tell = [&](const std::string& line) {
        if (request.json)
            complain(host, line);
        else
            text += report::printable(line) + '\n';
    };
    for (const std::string& line : drifted.facts)
        tell(line);
    for (const std::string& line : drifted.times)
        tell("time only: " + line);
    if (drifted.facts.empty() && !request.json) {
        text += fmt::format("{}: nothing drifted{}\n", report::printable(request.check),
                            drifted.times.empty() ? "" : " that an order rests on");
    }
    if (print(host, text) != 0) return calibrate_trouble;
    return drifted.facts.empty() ? calibrate_fit : calibrate_drifted;
}

}  // namespace

int calibrate_session(const CalibrateRequest& request, const CalibrateHost& host) {
    const bool checks = !request.check.empty();
    const std::string path = checks || !request.output.empty() ? request.output : host.standard_path();
    if (path.empty() && !checks) {
        return complain(
            host,
            "there is no standard place for the profile, because neither XDG_CONFIG_HOME nor HOME is "
            "set: give -o PROFILE");
    }
    if (!path.empty()) {
        if (const std::string reason = cannot_store(path); !reason.empty()) return complain(host, reason);
    }
    if (!request.report.empty()) {
        if (const std::string reason = verify::cannot_write(request.report); !reason.empty())
            return complain(host, reason);
    }
    if (checks) return check(request, host);

    const auto profile = measure(request, host);
    if (!profile) return complain(host, profile.error());
    const auto stored = store_profile(*profile, path);
    const int reported = write_report(request, host, *profile);
    // What was measured is shown even if it could not be kept.
    const int printed = print(host, request.json ? write_profile(*profile) : report::table_of(*profile));
    if (!stored) return complain(host, stored.error());
    fmt::print(host.err, "The profile is in {}\n", report::printable(path));
    if (reported != 0 || printed != 0) return calibrate_trouble;
    return report::best_fitness(*profile) == Verdict::Fitness::nothing ? calibrate_nothing : calibrate_fit;
}

}  // namespace escapement::command
