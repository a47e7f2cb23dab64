#pragma once
// Signal handlers that wait for another thread, as those of collectors do that stop the world: "I am here",
// they say, and wait until they may go on. Their thread is parked in this library at best, and cannot use the
// turn before; so it does not get it.

#include "runtime.hpp"

namespace escapement::preload {

/// While it lives a handler runs on the calling participant's thread, which was in this library.
class HandlerInside {
  public:
    explicit HandlerInside(bool inside);
    ~HandlerInside();
    HandlerInside(const HandlerInside&) = delete;
    HandlerInside& operator=(const HandlerInside&) = delete;

  private:
    Seat* seat_ = nullptr;
};

/// By the participant with the turn, when others have got as far as they get by themselves: suspends those
/// that wait in a handler.
void suspend_waiting_handlers();

/// By the participant with the turn, before it does something: those that are suspended, and that it may have
/// let go on, have gone on as far as they get by themselves; whose handlers are over is resumed.
void await_suspended();

/// By the keeper: `holder` got the turn and waits in a handler, which came from outside. Takes the turn back;
/// false if it needs no help any more.
bool take_turn_back(ParticipantNumber holder);

}  // namespace escapement::preload
