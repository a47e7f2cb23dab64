#include "generator.hpp"

#include <algorithm>
#include <ostream>

namespace escapement::simulation {

namespace {

enum Kind : std::uint8_t {
    computes,
    section,
    nested_sections,
    tried_section,
    timed_section,
    recursive_section,
    produces,
    broadcasts,
    consumes,
    consumes_patiently,
    waits_bare,
    wakes_bare,
    requeues,
    sleeps,
    polls_patiently,
    polls,
    writes,
    reads_time,
    joins,
    joins_impatiently,
    gives_way,
    leaves,
    locks_only,
    unlocks_only,
    kinds,
};

using Code = std::vector<Instruction>;

void say(Code& code, Operation operation, unsigned object = 0, unsigned second = 0, unsigned amount = 0) {
    code.push_back({.operation = operation,
                    .object = static_cast<std::uint8_t>(object),
                    .second = static_cast<std::uint8_t>(second),
                    .amount = static_cast<std::uint16_t>(amount)});
}

std::uint8_t impatient(std::uint8_t kind) {
    switch (kind) {
        case consumes_patiently:
            return consumes;
        case polls_patiently:
            return polls;
        case locks_only:
            return section;
        default:
            return kind;
    }
}

void translate(const Phrase& phrase, Code& code) {
    const unsigned mutex = phrase.a % mutex_count;
    const unsigned other = phrase.b % mutex_count;
    const unsigned condition = phrase.b % condition_count;
    const unsigned descriptor = phrase.a % descriptor_count;
    const unsigned counts = phrase.amount % 50;
    const unsigned time = phrase.amount % 4000;
    switch (static_cast<Kind>(phrase.kind)) {
        case computes:
            say(code, Operation::compute, 0, 0, counts);
            break;
        case section:
            say(code, Operation::lock, mutex);
            say(code, Operation::compute, 0, 0, counts);
            say(code, Operation::unlock, mutex);
            break;
        case nested_sections:
            say(code, Operation::lock, mutex);
            if (other != mutex) say(code, Operation::lock, other);
            say(code, Operation::compute, 0, 0, counts);
            if (other != mutex) say(code, Operation::unlock, other);
            say(code, Operation::unlock, mutex);
            break;
        case tried_section:
            say(code, Operation::try_lock, mutex);
            say(code, Operation::compute, 0, 0, counts);
            say(code, Operation::unlock, mutex);
            break;
        case timed_section:
            say(code, Operation::timed_lock, mutex, 0, time);
            say(code, Operation::compute, 0, 0, counts);
            say(code, Operation::unlock, mutex);
            break;
        case recursive_section:
            say(code, Operation::lock, recursive_mutex);
            say(code, Operation::lock, recursive_mutex);
            say(code, Operation::timed_wait, condition, recursive_mutex, time);
            say(code, Operation::unlock, recursive_mutex);
            say(code, Operation::unlock, recursive_mutex);
            break;
        case produces:
        case broadcasts:
            say(code, Operation::lock, mutex);
            say(code, Operation::wake, condition, 0, phrase.kind == produces ? 1 : 1000);
            say(code, Operation::unlock, mutex);
            break;
        case consumes:
        case consumes_patiently:
            say(code, Operation::lock, mutex);
            say(code, phrase.kind == consumes ? Operation::timed_wait : Operation::wait, condition, mutex,
                time);
            say(code, Operation::unlock, mutex);
            break;
        case waits_bare:
            say(code, Operation::timed_wait, condition, mutex, time);
            break;
        case wakes_bare:
            say(code, Operation::wake, condition, 0, counts % 4);
            break;
        case requeues:
            say(code, Operation::requeue, condition, other % condition_count, counts % 4);
            break;
        case sleeps:
            say(code, Operation::sleep, 0, 0, time);
            break;
        case polls_patiently:
            say(code, Operation::poll, descriptor);
            break;
        case polls:
            say(code, Operation::timed_poll, descriptor, 0, time);
            break;
        case writes:
            say(code, Operation::write, descriptor);
            break;
        case reads_time:
            say(code, Operation::read_time);
            break;
        case joins:
            say(code, Operation::join, phrase.a % most_threads);
            break;
        case joins_impatiently:
            say(code, Operation::timed_join, phrase.a % most_threads, 0, time);
            break;
        case gives_way:
            say(code, Operation::give_way);
            break;
        case leaves:
            say(code, Operation::leave, 0, 0, counts % 4);
            break;
        case locks_only:
            say(code, Operation::lock, mutex);
            break;
        case unlocks_only:
        case kinds:
            say(code, Operation::unlock, mutex);
            break;
    }
}

}  // namespace

Program program_of(const Sketch& sketch) {
    Program program{.policy = sketch.policy,
                    .quantum = sketch.quantum,
                    .operation_ns = sketch.operation_ns,
                    .stops_only_unlocked = sketch.stops_only_unlocked,
                    .threads = {}};
    const auto count = static_cast<unsigned>(std::clamp<std::size_t>(sketch.threads.size(), 2, most_threads));
    std::vector<std::vector<Code>> phrases(count);
    for (unsigned thread = 0; thread < std::min<std::size_t>(count, sketch.threads.size()); ++thread) {
        for (Phrase each : sketch.threads[thread]) {
            if (!sketch.patient) each.kind = impatient(each.kind);
            phrases[thread].emplace_back();
            translate(each, phrases[thread].back());
        }
    }
    for (unsigned thread = 1; thread < count; ++thread) {
        const std::uint32_t birth = thread < sketch.births.size() ? sketch.births[thread] : 0;
        std::vector<Code>& parent = phrases[birth % thread];
        Code code;
        say(code, Operation::create, thread);
        // Half of them right away, as programs do.
        const std::size_t place = (birth & 256U) != 0 ? 0 : (birth >> 9U) % (parent.size() + 1);
        parent.insert(parent.begin() + static_cast<std::ptrdiff_t>(place), code);
    }
    program.threads.resize(count);
    for (unsigned thread = 0; thread < count; ++thread) {
        for (const Code& each : phrases[thread]) {
            program.threads[thread].insert(program.threads[thread].end(), each.begin(), each.end());
        }
    }
    for (unsigned thread = 1; sketch.joins_all && thread < count; ++thread) {
        say(program.threads[0], Operation::join, thread);
    }
    return program;
}

rc::Gen<Sketch> any_sketch() {
    const auto kind = rc::gen::weightedElement<std::uint8_t>({{8, computes},        {8, section},
                                                              {2, nested_sections}, {2, tried_section},
                                                              {3, timed_section},   {2, recursive_section},
                                                              {5, produces},        {2, broadcasts},
                                                              {6, consumes},        {1, consumes_patiently},
                                                              {2, waits_bare},      {2, wakes_bare},
                                                              {1, requeues},        {3, sleeps},
                                                              {1, polls_patiently}, {4, polls},
                                                              {5, writes},          {2, reads_time},
                                                              {2, joins},           {2, joins_impatiently},
                                                              {3, gives_way},       {2, leaves},
                                                              {1, locks_only},      {1, unlocks_only}});
    const auto any = [](unsigned below) { return rc::gen::resize(100, rc::gen::inRange(0U, below)); };
    const auto phrase = rc::gen::build<Phrase>(
        rc::gen::set(&Phrase::kind, kind), rc::gen::set(&Phrase::a, rc::gen::cast<std::uint8_t>(any(8))),
        rc::gen::set(&Phrase::b, rc::gen::cast<std::uint8_t>(any(12))),
        rc::gen::set(&Phrase::amount, rc::gen::cast<std::uint16_t>(any(4000))));
    const auto thread = rc::gen::resize(20, rc::gen::container<std::vector<Phrase>>(phrase));
    const auto threads = rc::gen::mapcat(any(most_threads - 1), [thread](unsigned more) {
        return rc::gen::container<std::vector<std::vector<Phrase>>>(2 + more, thread);
    });
    const auto quantum =
        rc::gen::element<Count>(1, 2, 3, 4, 5, 7, 8, 10, 16, 20, 33, 50, 64, 100, 200, 500, 1000);
    return rc::gen::build<Sketch>(
        rc::gen::set(&Sketch::policy, rc::gen::element(Policy::counted, Policy::counted, Policy::ticktock)),
        rc::gen::set(&Sketch::quantum, quantum),
        rc::gen::set(&Sketch::operation_ns, rc::gen::element<Nanoseconds>(1, 10, 100)),
        rc::gen::set(&Sketch::stops_only_unlocked, rc::gen::element(false, false, false, true)),
        rc::gen::set(&Sketch::joins_all, rc::gen::element(true, true, false)),
        // Or nearly every program would be a deadlock.
        rc::gen::set(&Sketch::patient, rc::gen::element(true, false, false, false)),
        rc::gen::set(&Sketch::threads, threads),
        rc::gen::set(&Sketch::births, rc::gen::container<std::vector<std::uint32_t>>(
                                          most_threads, rc::gen::cast<std::uint32_t>(any(1U << 16U)))));
}

void showValue(const Sketch& sketch, std::ostream& out) {
    out << program_of(sketch);
}

}  // namespace escapement::simulation
