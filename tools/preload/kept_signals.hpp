#pragma once
// Signals whose handlers run not where they come but at the next place that every run has: before an ordered
// operation, at the end of a wait that they end, or where everybody waits. Those are timers'
// (signal_timers.hpp), and, where there is a journal, those from outside: when one of them comes is the
// host's choice, and the journal says at which place it was taken. What the program sends itself is not from
// outside: it comes again in a replay.

#include <escapement/order.hpp>

#include <csignal>

namespace escapement::preload {

/// False: none can be waiting. Belongs to the turn.
inline bool keeps_signals = false;

/// True if nothing in this process causes it.
bool comes_from_outside(int signal, const siginfo_t& information);
/// It came, on the calling thread. Recording: it is kept until it is taken; replaying: it is forgotten, the
/// journal has its own.
void keep_outside_signal(int signal, const siginfo_t& information);
/// `signal` is for `target`: the same.
void keep_signal(int signal, const siginfo_t& information, ParticipantNumber target);

/// True if one waits to end the wait of `participant`.
bool kept_signal_for(ParticipantNumber participant);
/// True if one waits that ends nobody's wait.
bool kept_signal_for_anybody();

/// The caller, with the turn, is about to do something: handlers run as the program's own code.
void take_signals_between_operations();
/// The caller's wait, which a signal may end, is over, and it has the turn: sets Seat::signalled and
/// interrupted.
void take_signals_after_wait();
/// Everybody waits, and the caller decides. True if a handler ran.
bool take_signals_when_idle();

}  // namespace escapement::preload
