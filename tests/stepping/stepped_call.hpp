#pragma once
// What of the stepped calls differs by processor.

#include "stepping.hpp"

extern "C" {
/// A breakpoint instruction, then the call.
long escapement_stepped_call(escapement::test::Code code, void* argument);
/// The instruction after the call.
void escapement_stepped_call_after();
/// Returns from a signal's handler, by two instructions.
void escapement_restorer();
}

namespace escapement::test {

/// Lets the thread go on after the breakpoint instruction that it has met.
void pass_trap(void* context);

}  // namespace escapement::test
