#pragma once
// The keeper: one thread of the library's own, that decides for those who went outside without deciding, ends
// the turn of a participant that spins or sleeps in the kernel without ordered operations, and sees to it
// that a terminated process ends.

namespace escapement::preload {

/// Starts it. Called once a process, by the participant with the turn. 0, or pthread_create(3)'s error.
int start_keeper_thread();

/// A SIGTERM or SIGINT has been delivered to the process: it has two seconds.
void note_termination(int signal);

}  // namespace escapement::preload
