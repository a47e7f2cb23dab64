#include <escapement/interruption.hpp>

#include <ucontext.h>

namespace escapement {

Interruption interruption_of(const void* context) {
    std::uint64_t state = 0xcbf29ce484222325U;  // FNV-1a, a word at a time
    const auto mix = [&state](std::uint64_t value) { state = (state ^ value) * 0x100000001b3U; };
    const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
    for (int index = REG_R8; index <= REG_RIP; ++index)
        mix(static_cast<std::uint64_t>(machine.gregs[index]));
    return {.address = static_cast<std::uintptr_t>(machine.gregs[REG_RIP]), .state = state};
}

}  // namespace escapement
