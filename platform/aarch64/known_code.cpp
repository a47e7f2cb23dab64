#include <escapement/known_code.hpp>

#include <asm/hwcap.h>
#include <sys/auxv.h>

extern "C" {
escapement::Count escapement_known_straight(escapement::Count n);
escapement::Count escapement_known_taken(escapement::Count n);
escapement::Count escapement_known_not_taken(escapement::Count n);
escapement::Count escapement_known_mispredicted(escapement::Count n);
escapement::Count escapement_known_calls(escapement::Count n);
escapement::Count escapement_known_indirect(escapement::Count n);
escapement::Count escapement_known_exclusive(escapement::Count n);
escapement::Count escapement_known_atomic(escapement::Count n);
}

namespace escapement {

namespace {

bool always() {
    return true;
}
bool has_atomics() {
    return (getauxval(AT_HWCAP) & HWCAP_ATOMICS) != 0;
}

/// The landing pad, mov and ret; and the last branch of the loop, which is not taken.
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
     .each = {.instructions = 6, .taken = 1, .not_taken = 3},
     .once = frame,
     .again = {},
     .available = always},
    {.name = "mispredicted branches",
     .run = escapement_known_mispredicted,
     .each = {.instructions = 10, .taken = 2, .not_taken = 1, .jumps = 1},
     .once = longer(2),
     .again = {},
     .available = always},
    {.name = "nested calls",
     .run = escapement_known_calls,
     .each = {.instructions = 15, .taken = 1, .jumps = 10},
     .once = longer(3, 1),
     .again = {},
     .available = always},
    {.name = "indirect jumps",
     .run = escapement_known_indirect,
     .each = {.instructions = 6, .taken = 1, .jumps = 2},
     .once = longer(2),
     .again = {},
     .available = always},
    {.name = "exclusive loads and stores",
     .run = escapement_known_exclusive,
     .each = {.instructions = 6, .taken = 1, .not_taken = 1},
     .once = longer(4),
     .again = {.instructions = 6, .taken = 1, .jumps = 1},
     .available = always},
    {.name = "atomic instructions",
     .run = escapement_known_atomic,
     .each = {.instructions = 6, .taken = 1},
     .once = longer(3),
     .again = {},
     .available = has_atomics},
};

}  // namespace

std::span<const KnownCode> known_code() {
    return code;
}

const KnownCode* known_code_between_cpuids() {
    return nullptr;
}

}  // namespace escapement
