#pragma once
// Whether there are hardware counters here. Tests that need them begin with
//
//     if (!has_pmu()) return;
//
// Without counters that says in one line what is missing, by which ctest knows that the test was skipped.
// Where counters have to be (in the laboratory's machine, ESCAPEMENT_HARDWARE=required), it is a failure
// instead.

/// True if this thread can count the instructions that it retires in user mode.
bool has_pmu();
