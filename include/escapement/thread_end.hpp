#pragma once
// The end of a thread that this library did not begin.
//
// Contract. `function(context)` is called by the calling thread itself when it ends, by whatever way (return,
// pthread_exit(3), pthread_cancel(3)), after its own thread-local objects and, where that can be told,
// thread-specific data are gone; not if the process ends first. One function a thread: a second call replaces
// the first, null takes it away.
//
//     if (!at_thread_end(note_end, me)) ...                 // no key left: nobody will be told
//
// Errors: false. Thread safety: from anywhere; concerns the calling thread alone. Sources:
// pthread_key_create(3).

namespace escapement {

using ThreadEnd = void (*)(void* context);

bool at_thread_end(ThreadEnd function, void* context);

}  // namespace escapement
