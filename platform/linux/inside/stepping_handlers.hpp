#pragma once
// Handlers in which a thread is stepped, and what is done around them.
//
// A breakpoint may lie in instructions that such a handler executes too: the function by which both read a
// counter, or the kernel's for returning from any handler. So breakpoints are off while a handler runs:
// `enter` turns them off before the owner's code and on after it, and then returns by instructions that are
// nobody else's.

#include "breakpoints.hpp"

namespace escapement {

class SteppingHandlers {
  public:
    /// Breakpoints that the calling thread needs when the handler that runs is left; at once if that is not
    /// one of ours.
    static void arm_later(Breakpoints& breakpoints);
    /// They are gone.
    static void forget(const Breakpoints& breakpoints);
};

}  // namespace escapement
