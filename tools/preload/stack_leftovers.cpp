#include "stack_leftovers.hpp"

#include <cstring>

namespace escapement::preload {

void clear_stack_leftovers() {
    char area[most_left_on_stack];
    std::memset(area, 0, sizeof area);
    // Nobody reads it, as far as a compiler can see.
    asm volatile("" : : "r"(area) : "memory");
}

}  // namespace escapement::preload
