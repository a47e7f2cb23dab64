#include "calibration/partner.hpp"

#include "on_cpu.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <system_error>

namespace escapement {

namespace {

void close_both(const std::array<int, 2>& pipe) {
    close(pipe[0]);
    close(pipe[1]);
}

std::array<int, 2> open_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    return ends;
}

}  // namespace

Partner::Partner(unsigned cpu) : questions_(open_pipe()) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        answers_ = open_pipe();
        thread_ = std::thread([this, cpu] { run(cpu); });
    } catch (const std::system_error&) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        close_both(questions_);
        if (answers_[0] >= 0) close_both(answers_);
        throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Partner::~Partner() {
    close(questions_[1]);  // by which it ends
    thread_.join();
    close(questions_[0]);
    close_both(answers_);
}

void Partner::run(unsigned cpu) const {
    static_cast<void>(keep_on(cpu));
    char byte = 0;
    while (read(questions_[0], &byte, 1) == 1 && write(answers_[1], &byte, 1) == 1) {
    }
}

}  // namespace escapement
