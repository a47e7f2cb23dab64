#pragma once
// What `escapement calibrate` does once its command line is read.

#include <escapement/calibration.hpp>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace escapement::command {

struct CalibrateRequest {
    CalibrationOptions options;
    std::string output;  ///< the profile's path; empty: its standard place
    std::string report;  ///< the page's path; empty: none
    std::string check;   ///< the profile to be compared with; empty: none
    bool json = false;   ///< the profile instead of the table on standard output
};

/// What the session asks of the host and of the library; in its own words for tests.
struct CalibrateHost {
    std::function<tl::expected<Profile, std::string>(const CalibrationOptions&,
                                                     const std::function<void(const CalibrationProgress&)>&)>
        measure;
    std::function<Fingerprint()> fingerprint;
    std::function<Drift(const Profile& then, const Profile& now)> drift;
    std::function<std::string()> standard_path;
    std::function<std::string()> time;  ///< for Profile::created
    std::FILE* out = stdout;
    std::FILE* err = stderr;
    bool err_is_terminal = false;
};

enum CalibrateStatus : int {
    calibrate_fit = 0,      ///< boundaries or order; --check: no more than times drifted
    calibrate_drifted = 1,  ///< --check only
    calibrate_trouble = 2,
    calibrate_nothing = 3,  ///< no hardware count is to be had; the profile names the fallback
};

/// Measures, writes and says; returns what to exit with.
int calibrate_session(const CalibrateRequest& request, const CalibrateHost& host);

}  // namespace escapement::command
