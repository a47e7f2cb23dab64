#pragma once
// Which participant a thread is.

#include <escapement/order.hpp>

#include <pthread.h>

namespace escapement::preload {

/// The participant that runs on `thread`; nobody if none does. By the participant with the turn.
ParticipantNumber participant_of(pthread_t thread);

}  // namespace escapement::preload
