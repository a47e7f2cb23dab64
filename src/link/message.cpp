// The rules, in words.

#include <escapement.h>

const char* escapement_message(int status) {
    switch (status) {
        case ESCAPEMENT_OK:
            return "done";
        case ESCAPEMENT_TIMED_OUT:
            return "the deadline came first";
        case ESCAPEMENT_BUSY:
            return "it is taken";
        case ESCAPEMENT_NOT_A_PARTICIPANT:
            return "only a thread that has entered a domain may do this: call escapement_enter first";
        case ESCAPEMENT_WRONG_THREAD:
            return "only the participant's own thread may do this";
        case ESCAPEMENT_OTHER_DOMAIN:
            return "a thread uses only what belongs to the domain that it has entered";
        case ESCAPEMENT_NOT_HELD:
            return "only who holds a mutex may unlock it, or wait with it";
        case ESCAPEMENT_HELD_ALREADY:
            return "mutexes are not recursive: the caller holds this one already";
        case ESCAPEMENT_STILL_HOLDING:
            return "a participant unlocks what it holds before it leaves";
        case ESCAPEMENT_CLOCK_BACK:
            return "a clock never goes back: less was reported than before";
        case ESCAPEMENT_PROMISED:
            return "no ordered operation comes before the counts that were promised are advanced";
        case ESCAPEMENT_TOO_SOON:
            return "a function is posted for two quanta from now at the earliest: the other may have passed "
                   "that clock";
        case ESCAPEMENT_ENTERED_ALREADY:
            return "a participant is one thread, and a thread is one participant at a time";
        case ESCAPEMENT_HAS_LEFT:
            return "a participant that has left does not come back";
        case ESCAPEMENT_CLOSED:
            return "nothing is done in a domain that is closed, or that all participants have left";
        case ESCAPEMENT_IN_USE:
            return "what participants are inside of, hold or wait for is not closed or destroyed";
        case ESCAPEMENT_OUTSIDER:
            return "once somebody has entered, only participants admit others and create objects";
        case ESCAPEMENT_TOO_MANY:
            return "a domain has at most 200 participants at a time";
        case ESCAPEMENT_INVALID:
            return "an option or argument is out of its range";
        case ESCAPEMENT_STALLED:
            return "the domain has ended in a deadlock, see its report";
        case ESCAPEMENT_NO_MEMORY:
            return "no memory is left";
        case ESCAPEMENT_SYSTEM:
            return "the operating system refused; errno says why";
        case ESCAPEMENT_JOURNAL:
            return "the journal cannot be written or read";
        case ESCAPEMENT_DIVERGED:
            return "the replay does not do what was recorded, see its report";
        default:
            return "no status of Escapement's";
    }
}
