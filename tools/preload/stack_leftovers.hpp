#pragma once
// What this library leaves below a program's frames on its stack: old values, which a program may yet read
// there: a garbage collector that takes every word for a pointer (Ruby's, Boehm's), a variable that was never
// set. A recording writes a journal there and its replay reads one, so the program would see which it is in.

namespace escapement::preload {

/// Zeros in the caller's stack, as far below its own frame as a visit to this library goes.
[[gnu::noinline]] void clear_stack_leftovers();

}  // namespace escapement::preload
