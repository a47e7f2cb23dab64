#include <escapement/known_code.hpp>

extern "C" {
escapement::Count escapement_known_straight(escapement::Count n);
escapement::Count escapement_known_taken(escapement::Count n);
escapement::Count escapement_known_not_taken(escapement::Count n);
escapement::Count escapement_known_mispredicted(escapement::Count n);
escapement::Count escapement_known_calls(escapement::Count n);
escapement::Count escapement_known_indirect(escapement::Count n);
escapement::Count escapement_known_repeated(escapement::Count n);
escapement::Count escapement_known_locked(escapement::Count n);
escapement::Count escapement_known_between_cpuids(escapement::Count n);
}

namespace escapement {

namespace {

bool always() {
    return true;
}

/// endbr64, xor and ret; and the last branch of the loop, which is not taken.
constexpr KnownCounts frame{.instructions = 3, .taken = -1, .not_taken = 1, .jumps = 1};

constexpr KnownCounts longer(std::int64_t instructions, std::int64_t jumps = 0) {
    return {.instructions = frame.instructions + instructions,
            .taken = frame.taken,
            .not_taken = frame.not_taken,
            .jumps = frame.jumps + jumps};
}

constexpr KnownCode code[] = {
    {.name = "straight line",
     .run = escapement_known_straight,
     .each = {.instructions = 66, .taken = 1},
     .once = frame,
     .again = {},
     .available = always},
    {.name = "taken branches",
     .run = escapement_known_taken,
     .each = {.instructions = 2, .taken = 1},
     .once = frame,
     .again = {},
     .available = always},
    {.name = "branches not taken",
     .run = escapement_known_not_taken,
     .each = {.instructions = 7, .taken = 1, .not_taken = 4},
     .once = frame,
     .again = {},
     .available = always},
    {.name = "mispredicted branches",
     .run = escapement_known_mispredicted,
     .each = {.instructions = 14, .taken = 2, .not_taken = 1, .jumps = 1},
     .once = longer(1),
     .again = {},
     .available = always},
    {.name = "nested calls",
     .run = escapement_known_calls,
     .each = {.instructions = 12, .taken = 1, .jumps = 10},
     .once = longer(1, 1),
     .again = {},
     .available = always},
    {.name = "indirect jumps",
     .run = escapement_known_indirect,
     .each = {.instructions = 6, .taken = 1, .jumps = 2},
     .once = longer(2),
     .again = {},
     .available = always},
    {.name = "repeated strings",
     .run = escapement_known_repeated,
     .each = {.instructions = 8, .taken = 1},
     .once = longer(1),
     .again = {},
     .available = always},
    {.name = "locked instructions",
     .run = escapement_known_locked,
     .each = {.instructions = 6, .taken = 1},
     .once = frame,
     .again = {},
     .available = always},
};

constexpr KnownCode between_cpuids{.name = "branches between CPUIDs",
                                   .run = escapement_known_between_cpuids,
                                   .each = {.instructions = 8, .taken = 1, .not_taken = 1},
                                   .once = longer(3),
                                   .again = {},
                                   .available = always};

}  // namespace

std::span<const KnownCode> known_code() {
    return code;
}

const KnownCode* known_code_between_cpuids() {
    return &between_cpuids;
}

}  // namespace escapement
