// A process that becomes another program (exec(3)): its alarm goes on. All else begins anew there.

#include "processes.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "signal_timers.hpp"

#include <alloca.h>

#include <cstdarg>

namespace escapement::preload {

namespace {

template <typename Call>
int become(Call call) {
    // A child of vfork(2) is none: nothing of its parent's, whose memory it has, is to change.
    if (!is_own_process()) return call();
    const Entry entry;
    if (!entry.ordered()) return call();
    leave_alarm_to_kernel();
    const int result = call();  // it has failed
    take_alarm_back();
    return result;
}

/// Calls `then` with an array of `first` and the arguments that follow it in `list`, up to a null pointer,
/// and with what follows that. Allocates nothing, as a child of vfork(2) must not.
template <typename Then>
int with_array(const char* first, va_list list, Then then) {
    std::size_t count = 1;
    va_list ahead;
    va_copy(ahead, list);
    while (va_arg(ahead, char*) != nullptr)
        ++count;
    va_end(ahead);
    auto** const arguments = static_cast<char**>(alloca((count + 1) * sizeof(char*)));
    arguments[0] = const_cast<char*>(first);
    for (std::size_t index = 1; index <= count; ++index)
        arguments[index] = va_arg(list, char*);
    return then(arguments, list);
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int execve(const char* path, char* const* arguments, char* const* variables) noexcept {
    return become([=] { return real().execve(path, arguments, variables); });
}

ESCAPEMENT_EXPORT int execv(const char* path, char* const* arguments) noexcept {
    return become([=] { return real().execv(path, arguments); });
}

ESCAPEMENT_EXPORT int execvp(const char* file, char* const* arguments) noexcept {
    return become([=] { return real().execvp(file, arguments); });
}

ESCAPEMENT_EXPORT int execvpe(const char* file, char* const* arguments, char* const* variables) noexcept {
    return become([=] { return real().execvpe(file, arguments, variables); });
}

ESCAPEMENT_EXPORT int fexecve(int file, char* const* arguments, char* const* variables) noexcept {
    return become([=] { return real().fexecve(file, arguments, variables); });
}

ESCAPEMENT_EXPORT int execl(const char* path, const char* argument, ...) noexcept {
    va_list list;
    va_start(list, argument);
    const int result =
        with_array(argument, list, [=](char** arguments, va_list) { return execv(path, arguments); });
    va_end(list);
    return result;
}

ESCAPEMENT_EXPORT int execlp(const char* file, const char* argument, ...) noexcept {
    va_list list;
    va_start(list, argument);
    const int result =
        with_array(argument, list, [=](char** arguments, va_list) { return execvp(file, arguments); });
    va_end(list);
    return result;
}

ESCAPEMENT_EXPORT int execle(const char* path, const char* argument, ...) noexcept {
    va_list list;
    va_start(list, argument);
    const int result = with_array(argument, list, [=](char** arguments, va_list rest) {
        return execve(path, arguments, va_arg(rest, char**));
    });
    va_end(list);
    return result;
}
