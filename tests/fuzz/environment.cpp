// Whatever the variables hold that reach the preload library, reading them ends well: either every word is
// one that `run` writes, or the one that is not is named. The input is NAME=VALUE, a line each; names begin
// with ESCAPEMENT_, which is left out.

#include "settings.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

using namespace escapement::preload;

constexpr pid_t own_process = 42;
constexpr std::string_view prefix = "ESCAPEMENT_";

void demand(bool truth) {
    if (!truth) std::abort();
}

struct Variable {
    const char* name = nullptr;
    const char* value = nullptr;
};
std::array<Variable, 16> variables;

const char* value_of(const char* name) {
    demand(std::string_view(name).starts_with(prefix));
    for (const Variable& variable : variables) {
        if (variable.name != nullptr && std::strcmp(variable.name, name + prefix.size()) == 0)
            return variable.value;
    }
    return nullptr;
}

/// Into variables that point into `text`.
void take_apart(char* text) {
    variables = {};
    for (Variable& variable : variables) {
        if (*text == '\0') return;
        char* const end = std::strchr(text, '\n');
        if (end != nullptr) *end = '\0';
        if (char* const equals = std::strchr(text, '='); equals != nullptr) {
            *equals = '\0';
            variable = {text, equals + 1};
        }
        if (end == nullptr) return;
        text = end + 1;
    }
}

bool is_number(const char* text) {
    return *text != '\0' && std::all_of(text, text + std::strlen(text),
                                        [](char letter) { return letter >= '0' && letter <= '9'; });
}

/// What was accepted is what was written: nothing was cut, saturated or taken for something else.
void check_number(const char* name, std::uint64_t found, std::uint64_t otherwise) {
    const char* text = value_of(name);
    if (text == nullptr) return demand(found == otherwise);
    demand(is_number(text));
    while (*text == '0' && text[1] != '\0')
        ++text;
    char digits[24];
    char* at = std::end(digits);
    *--at = '\0';
    do {
        *--at = static_cast<char>('0' + found % 10);
        found /= 10;
    } while (found != 0);
    demand(std::strcmp(at, text) == 0);
}

void check_cpus(const char* cpus) {
    cpu_set_t set;
    demand(parse_cpu_numbers(cpus, set) && CPU_COUNT(&set) > 0);
    const auto commas = static_cast<int>(std::count(cpus, cpus + std::strlen(cpus), ','));
    demand(CPU_COUNT(&set) <= commas + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    char text[512];
    if (size >= sizeof text) return 0;
    std::copy_n(data, size, text);
    text[size] = '\0';
    take_apart(text);
    const auto settings = parse_settings(value_of, own_process);
    if (!settings) {
        const UnknownWord& unknown = settings.error();
        demand(unknown.variable != nullptr && value_of(unknown.variable) == unknown.value);
        return 0;
    }
    check_number("ESCAPEMENT_QUANTUM", settings->quantum, 0);
    check_number("ESCAPEMENT_SEED", settings->seed, 1);
    check_number("ESCAPEMENT_PID", static_cast<std::uint64_t>(settings->launched), 0);
    demand(settings->quantum <= std::uint64_t{1} << 62U && settings->margin <= std::uint64_t{1} << 62U);
    if (settings->clock == ClockSource::perf) {
        check_number("ESCAPEMENT_MARGIN", settings->margin, 0);
        demand(value_of("ESCAPEMENT_EVENT") != nullptr && value_of("ESCAPEMENT_ALARM") != nullptr);
    }
    if (settings->cpus != nullptr) check_cpus(settings->cpus);
    if (settings->journal != nullptr) {
        demand(settings->launched == own_process);
        const std::size_t length = std::strlen(settings->journal);
        demand(length > 0 && length < longest_journal_path);
    }
    return 0;
}
