#pragma once
// What this library leaves below a program's frames on its stack: old values, which a program may yet read
// there: a garbage collector that takes every word for a pointer (Ruby's, Boehm's), a variable that was never
// set. A recording writes a journal there and its replay reads one, so the program would see which it is in.

#include <cstddef>

namespace escapement::preload {

/// What a visit uses at most, and a half more. Measured on x86-64, with the stack painted before each: 5,000
/// bytes where a block is compressed and written, 2,400 where one is read.
inline constexpr std::size_t most_left_on_stack = std::size_t{8} << 10;

/// Zeros in the caller's stack, below its own frame.
[[gnu::noinline]] void clear_stack_leftovers();

}  // namespace escapement::preload
