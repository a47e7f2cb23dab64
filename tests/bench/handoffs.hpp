#pragma once
// Ways in which two threads can hand one turn to and fro. Each has
//
//     void begin(unsigned me);   // thread 0 returns with the turn, thread 1 when it gets it for the first
//     time void pass(unsigned me);    // gives the turn to the other; returns when it is back void
//     leave(unsigned me);   // gives the turn to the other for good (1), or ends with it (0)

#include <escapement/domain.hpp>
#include <escapement/parking.hpp>

#include <pthread.h>

#include <array>
#include <semaphore>

namespace bench {

/// What Escapement's threads wait by.
class ByParking {
  public:
    void begin(unsigned me) {
        if (me == 1) places_[1].park();
    }
    void pass(unsigned me) {
        places_.at(1 - me).unpark();
        places_.at(me).park();
    }
    void leave(unsigned me) {
        if (me == 1) places_[0].unpark();
    }

  private:
    std::array<escapement::ParkingPlace, 2> places_;
};

/// The same, with an order that decides at every operation who goes next.
class ByDomain final : escapement::Host {
  public:
    ByDomain() : domain_({.policy = escapement::Policy::counted, .quantum = 1}, *this) {
        domain_.order().create();
    }
    void begin(unsigned me) {
        if (me == 1) places_[1].park();
    }
    void pass(unsigned /*me*/) { domain_.operation(); }
    void leave(unsigned me) {
        if (me == 0) return;
        domain_.order().exit();
        places_.at(domain_.settle()).unpark();
    }

  private:
    escapement::Nanoseconds time_passed(escapement::Nanoseconds /*now*/) override { return 0; }
    bool poll_ready(escapement::ParticipantNumber /*participant*/) override { return false; }
    void hand_over(escapement::ParticipantNumber from, escapement::ParticipantNumber to) override {
        places_.at(to).unpark();
        places_.at(from).park();
    }
    IdleEnd idle(escapement::Nanoseconds /*now*/, escapement::Nanoseconds /*deadline*/) override {
        return {.reached_deadline = true};
    }
    void stuck(const escapement::Order& /*order*/) override { std::abort(); }

    std::array<escapement::ParkingPlace, 2> places_;
    escapement::Domain domain_;
};

/// A condition variable for each, and a mutex around whose turn it is.
class ByCondition {
  public:
    ByCondition() {
        for (pthread_cond_t& each : changed_)
            pthread_cond_init(&each, nullptr);
    }
    ByCondition(const ByCondition&) = delete;
    ByCondition& operator=(const ByCondition&) = delete;
    ~ByCondition() {
        for (pthread_cond_t& each : changed_)
            pthread_cond_destroy(&each);
        pthread_mutex_destroy(&mutex_);
    }
    void begin(unsigned me) {
        if (me == 0) return;
        pthread_mutex_lock(&mutex_);
        wait(1);
        pthread_mutex_unlock(&mutex_);
    }
    void pass(unsigned me) {
        pthread_mutex_lock(&mutex_);
        give(1 - me);
        wait(me);
        pthread_mutex_unlock(&mutex_);
    }
    void leave(unsigned me) {
        if (me == 0) return;
        pthread_mutex_lock(&mutex_);
        give(0);
        pthread_mutex_unlock(&mutex_);
    }

  private:
    void give(unsigned to) {
        turn_ = to;
        pthread_cond_signal(&changed_.at(to));
    }
    void wait(unsigned me) {
        while (turn_ != me)
            pthread_cond_wait(&changed_.at(me), &mutex_);
    }

    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
    std::array<pthread_cond_t, 2> changed_{};
    unsigned turn_ = 0;
};

/// Mutexes alone. Only who locked one may unlock it, so it takes three: who has the turn holds two of them,
/// the other holds the third and waits for one of the two. To pass the turn is to unlock that one and to lock
/// what the other holds. At step s of the turn, mutex -s (modulo 3) is unlocked and mutex -(s + 1) asked for.
class ByMutexes {
  public:
    ByMutexes() {
        for (pthread_mutex_t& each : mutexes_)
            pthread_mutex_init(&each, nullptr);
    }
    ByMutexes(const ByMutexes&) = delete;
    ByMutexes& operator=(const ByMutexes&) = delete;
    ~ByMutexes() {
        for (pthread_mutex_t& each : mutexes_)
            pthread_mutex_destroy(&each);
    }
    void begin(unsigned me) {
        steps_.at(me) = me;
        if (me == 0) {
            lock(0);
            lock(2);
            first_holds_.release();
            second_holds_.acquire();
        } else {
            first_holds_.acquire();
            lock(1);
            second_holds_.release();
            lock(0);
        }
    }
    void pass(unsigned me) {
        unsigned& step = steps_.at(me);
        unlock(step);
        lock(step + 1);
        step = (step + 2) % 3;
    }
    void leave(unsigned me) {
        const unsigned step = steps_.at(me);
        unlock(step);
        unlock(step + 2);
    }

  private:
    pthread_mutex_t& at(unsigned step) { return mutexes_.at((3 - step % 3) % 3); }
    void lock(unsigned step) { pthread_mutex_lock(&at(step)); }
    void unlock(unsigned step) { pthread_mutex_unlock(&at(step)); }

    std::array<pthread_mutex_t, 3> mutexes_{};
    std::array<unsigned, 2> steps_{};
    std::binary_semaphore first_holds_{0};
    std::binary_semaphore second_holds_{0};
};

}  // namespace bench
