#include "calibration/interrupts.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace escapement {

std::optional<std::uint64_t> timer_interrupts_of(unsigned cpu) {
    std::ifstream file("/proc/interrupts");
    std::string line;
    if (!std::getline(file, line)) return std::nullopt;
    // Only CPUs that are on have a column.
    std::istringstream head(line);
    std::string word;
    std::size_t column = 0;
    bool found = false;
    const std::string wanted = "CPU" + std::to_string(cpu);
    for (; !found && head >> word; ++column)
        found = word == wanted;
    if (!found) return std::nullopt;
    std::optional<std::uint64_t> sum;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        words >> word;
        if (word != "LOC:" && line.find("arch_timer") == std::string::npos) continue;
        std::uint64_t value = 0;
        for (std::size_t at = 0; at < column; ++at)
            words >> value;
        if (words) sum = sum.value_or(0) + value;
    }
    return sum;
}

}  // namespace escapement
