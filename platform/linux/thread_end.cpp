#include <escapement/thread_end.hpp>

#include <limits.h>
#include <pthread.h>

namespace escapement {

namespace {

struct Wish {
    ThreadEnd function = nullptr;
    void* context = nullptr;
    int rounds = 0;
};

[[gnu::tls_model("initial-exec")]] thread_local constinit Wish wish;

pthread_key_t key;
bool key_made = false;

/// The C library destroys thread-specific data in rounds, as long as there is some. Others' destructors may
/// still do what is to come first: the last rounds are for those who have to be last. The very last one is
/// left to sanitizers, which go with it: nothing that they see to may run after them (LLVM,
/// tsan_interceptors_posix.cpp, thread_finalize).
void at_end(void* value) {
    if (wish.function == nullptr) return;
    if (++wish.rounds < PTHREAD_DESTRUCTOR_ITERATIONS - 1 && pthread_setspecific(key, value) == 0) return;
    const ThreadEnd function = wish.function;
    wish.function = nullptr;
    function(wish.context);
}

}  // namespace

bool at_thread_end(ThreadEnd function, void* context) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, [] { key_made = pthread_key_create(&key, at_end) == 0; });
    if (!key_made) return false;
    wish = {.function = function, .context = context, .rounds = 0};
    return pthread_setspecific(key, function != nullptr ? &wish : nullptr) == 0;
}

}  // namespace escapement
