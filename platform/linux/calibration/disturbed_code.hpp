#pragma once
// Small functions that disturb a thread, or execute just the same and do not: what a counter tells them apart
// by is what the disturbance adds. Assembly language, in a folder for each processor.

#include <cstdint>

extern "C" {
/// A system call with number and arguments; and the same but for the call, which is a nop there.
long escapement_disturbed_call(long number, long a, long b, long c, long d);
long escapement_disturbed_no_call(long number, long a, long b, long c, long d);
/// Writes a byte to where its first argument points.
long escapement_disturbed_touch(long place, long, long, long, long);
/// A signal's handler and its return (sa_restorer). The handler counts the signals.
void escapement_disturbed_handler(int);
void escapement_disturbed_return();
/// A system call that sends no signal, followed by what handler and return execute. To be compared with a
/// call that does.
long escapement_disturbed_no_signal(long number, long a, long b, long c, long d);
extern volatile std::uint64_t escapement_disturbed_signals;
}
