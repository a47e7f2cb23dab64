#include <escapement/waiting.hpp>

namespace escapement {

void relax() {
    // Unlike YIELD, which most cores ignore, this takes about as long as x86's PAUSE.
    asm volatile("isb" ::: "memory");
}

}  // namespace escapement
