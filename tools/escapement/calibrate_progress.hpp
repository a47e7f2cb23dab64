#pragma once
// Says how far a calibration is: a line that is drawn again on a terminal, a line now and then elsewhere.

#include <escapement/calibration.hpp>

#include <cstdint>
#include <cstdio>
#include <string>

namespace escapement::command {

/// `[####......] 43 %, about 25 s left: cpu_core: skid, loaded`, in at most `width` characters.
std::string calibration_bar(const CalibrationProgress& progress, std::size_t width);

class CalibrationProgressLine {
  public:
    CalibrationProgressLine(std::FILE* out, bool terminal);
    ~CalibrationProgressLine();
    CalibrationProgressLine(const CalibrationProgressLine&) = delete;
    CalibrationProgressLine& operator=(const CalibrationProgressLine&) = delete;

    /// `now_ns` is of any clock that only grows.
    void show(const CalibrationProgress& progress, std::int64_t now_ns);

  private:
    std::FILE* out_;
    bool terminal_;
    bool begun_ = false;
    bool drawn_ = false;
    std::int64_t shown_ns_ = 0;
};

}  // namespace escapement::command
