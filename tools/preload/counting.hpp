#pragma once
// Clocks that count what a thread itself does between its ordered operations: by hardware (perf) or by steps.
// Its boundaries end its turn at exact counts, also where it spins, races or never reaches an ordered
// operation.

#include <csignal>
#include <cstdint>

namespace escapement::preload {

class Runtime;
struct Settings;

/// True from the beginning of the domain on if its clocks are such.
extern constinit bool counting;

/// The alarm's. Programs that have a signal of their own up there hardly take the last one.
inline int alarm_signal() {
    return SIGRTMAX;
}

/// The process begins to count; before it has threads.
void prepare_counting(const Settings& settings);
/// The calling thread, a participant, is counted from here on; paused. Ends the process if the host refuses.
void begin_counting();
void end_counting();

/// The caller enters this library: its clock stands still. False if it did already.
bool pause_counting();
/// After pause_counting(), once the caller has the turn: the order learns of its progress.
void report_progress();
/// What the caller did without the turn is nobody's.
void forget_progress();
/// The caller goes back into the program: the other side of pause_counting().
void resume_counting();

/// One of the signals by which threads are stopped. True if it was that.
bool take_counting_signal(int signal, siginfo_t* information, void* context);
/// By the keeper: ends the process if the participant with the turn ran far past its boundary.
void notice_lost_alarm(std::uint32_t participant);

}  // namespace escapement::preload
