// The part of the machine that watches decisions.

#include "machine.hpp"

#include <algorithm>
#include <cstdio>

namespace escapement::simulation {

void Machine::decides() {
    for (unsigned thread = 0; thread < program_.threads.size(); ++thread) {
        if (numbers_.at(thread) != nobody) freed_at_.at(thread) = participant(thread).clock;
    }
}

unsigned Machine::decided(ParticipantNumber to) {
    if (to == nobody) {
        require(!model_.anybody_left(), "the order says that everybody has ended");
        return most_threads;
    }
    require(model_.expire(order().now()), "a poll timed out though what it polls for is there");
    unsigned next = most_threads;
    for (unsigned thread = 0; thread < program_.threads.size(); ++thread) {
        const Model::Thread& each = model_.thread(thread);
        if (each.doing == Model::Doing::unborn || each.doing == Model::Doing::ended) continue;
        if (numbers_.at(thread) == to) next = thread;
        require(participant(thread).clock >= freed_at_.at(thread), "a clock went back in a decision");
    }
    require(next != most_threads, "the turn went to one who has ended");
    const Model::Thread before = model_.thread(next);
    require(model_.resume(next), "the turn went to one who cannot go on");
    if (before.doing != Model::Doing::locking || program_.stops_only_unlocked) return next;
    for (unsigned other = 0; other < program_.threads.size(); ++other) {
        const Model::Thread& waiter = model_.thread(other);
        if (waiter.doing != Model::Doing::locking || waiter.object != before.object) continue;
        if (program_.policy == Policy::ticktock) {
            require(waiter.passed_by <= most_threads, "a mutex went too often past one who waits for it");
        } else {
            require(freed_at_.at(next) <= participant(other).clock,
                    "a mutex went to one whose clock is greater");
        }
    }
    return next;
}

bool Machine::poll_ready(ParticipantNumber number) {
    for (unsigned thread = 0; thread < program_.threads.size(); ++thread) {
        if (numbers_.at(thread) != number) continue;
        const Model::Thread& each = model_.thread(thread);
        const bool ready =
            (each.doing == Model::Doing::polling && model_.readable(each.object)) ||
            (each.doing == Model::Doing::outside && ++looks_.at(thread) > instruction(thread).amount);
        if (!ready) continue;
        model_.arrive(thread);
        return true;
    }
    return false;
}

Host::IdleEnd Machine::idle(Nanoseconds now, Nanoseconds deadline, bool for_nothing) {
    require(model_.expire(now), "a poll timed out though what it polls for is there");
    require(++idles_ < 100000, "idle without end");
    require(!model_.anybody_able(), "idle, but somebody could go on");
    require(deadline > now, "idle until what has passed");
    require(deadline == model_.earliest_deadline(), "idle until another time than the earliest deadline");
    if (model_.anybody(Model::Doing::outside)) {
        // Takes a little time each time that the host is asked, never all of what is left.
        return {.reached_deadline = false, .passed = deadline - now > 20 ? 10 : 0};
    }
    require(deadline != no_deadline || model_.anybody(Model::Doing::polling),
            "idle, but nobody waits for anything");
    if (for_nothing) return {};
    return {.reached_deadline = true};
}

std::string Machine::name(unsigned thread) const {
    return "participant " + std::to_string(numbers_.at(thread)) + " 'thread " + std::to_string(thread) + "'";
}

std::string Machine::expected_line(unsigned thread) const {
    const Model::Thread& each = model_.thread(thread);
    const auto key = [](ObjectKey value) {
        char text[32];
        std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
        return std::string(text);
    };
    std::string line = "  " + name(thread);
    switch (each.doing) {
        case Model::Doing::locking: {
            const unsigned owner = model_.mutex(each.object).owner;
            line += " waits for mutex " + key(keys_.mutexes.at(each.object)) + ", held by ";
            line += owner == thread ? "itself" : name(owner);
            line += " since clock ";
            return line;
        }
        case Model::Doing::waiting:
            return line + " waits for condition " + key(keys_.conditions.at(each.object)) +
                   ", since its clock ";
        case Model::Doing::polling:
            return line + " polls descriptor, since its clock ";
        case Model::Doing::joining:
            return line + " waits for the end of " + name(each.object) + ", since its clock ";
        default:
            return line + " should not be in a stall report";
    }
}

void Machine::stuck() {
    require(model_.expire(order().now()), "a poll timed out though what it polls for is there");
    require(model_.deadlocked(), "called a deadlock, but is none");
    const std::string report = order().stall_report();
    std::size_t lines = 0;
    for (unsigned thread = 0; thread < program_.threads.size(); ++thread) {
        const Model::Thread& each = model_.thread(thread);
        if (each.doing == Model::Doing::unborn || each.doing == Model::Doing::ended) continue;
        ++lines;
        const std::string line = expected_line(thread);
        if (report.find(line) == std::string::npos)
            throw Defect(std::string("no \"").append(line).append("\" in:\n").append(report));
    }
    require(static_cast<std::size_t>(std::count(report.begin(), report.end(), '\n')) == lines,
            "the stall report has another number of lines than threads are stuck");
    throw Stuck{};
}

}  // namespace escapement::simulation
