// The same programs with threads of the host's, which park and wake as threads of a real process do.

#include "check_many.hpp"
#include "generator.hpp"
#include "schedules.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

namespace escapement::simulation {
namespace {

/// Thrown in threads that are to end because another found a defect or a deadlock.
struct Abandoned {};

class RealThreads final : public Host {
  public:
    RealThreads(const Program& program, const Keys& keys)
        : domain_(
              {.policy = program.policy, .quantum = program.quantum, .operation_ns = program.operation_ns},
              *this),
          machine_(program, domain_, keys) {}

    Outcome run() {
        live(0);
        over_.wait(false);
        for (std::thread& each : threads_) {
            if (each.joinable()) each.join();
        }
        outcome_.events = machine_.events();
        outcome_.statistics = domain_.order().statistics();
        return outcome_;
    }

    Nanoseconds time_passed(Nanoseconds) override {
        machine_.decides();
        deciding_ = true;
        return 0;
    }
    bool poll_ready(ParticipantNumber participant) override { return machine_.poll_ready(participant); }
    void hand_over(ParticipantNumber from, ParticipantNumber to) override {
        require(from != to, "the turn is handed to oneself");
        const unsigned me = thread_of(from);
        const unsigned next = machine_.decided(to);
        deciding_ = false;
        give_turn(next);
        await_turn(me);
    }
    IdleEnd idle(Nanoseconds now, Nanoseconds deadline) override {
        return machine_.idle(now, deadline, false);
    }
    void stuck(const Order&) override { machine_.stuck(); }

  private:
    struct Place {
        std::mutex mutex;
        std::condition_variable changed;
        bool has_turn = false;
    };

    unsigned thread_of(ParticipantNumber number) {
        unsigned thread = 0;
        // Numbers are given again; the last bearer is the one that has not ended.
        for (unsigned each = 0; each < most_threads; ++each) {
            const bool lives = machine_.model().thread(each).doing != Model::Doing::ended &&
                               machine_.model().thread(each).doing != Model::Doing::unborn;
            if (lives && machine_.number(each) == number) thread = each;
        }
        return thread;
    }

    void give_turn(unsigned thread) {
        dawdle();
        Place& place = places_.at(thread);
        const std::lock_guard<std::mutex> guard(place.mutex);
        place.has_turn = true;
        place.changed.notify_one();
    }

    void await_turn(unsigned thread) {
        dawdle();
        Place& place = places_.at(thread);
        std::unique_lock<std::mutex> guard(place.mutex);
        place.changed.wait(guard, [&] { return place.has_turn || abandoned_.load(); });
        if (!place.has_turn) throw Abandoned{};
        place.has_turn = false;
    }

    void abandon(const std::string& defect, bool deadlock) {
        outcome_.defect = defect;
        outcome_.deadlock = deadlock;
        abandoned_.store(true);
        for (Place& each : places_) {
            const std::lock_guard<std::mutex> guard(each.mutex);
            each.changed.notify_one();
        }
        finish();
    }

    void live(unsigned thread) {
        try {
            if (thread != 0) await_turn(thread);
            while (!machine_.ended(thread))
                instruct(thread);
        } catch (const Abandoned&) {
        } catch (const Stuck&) {
            abandon("", true);
        } catch (const Defect& defect) {
            abandon(defect.what(), false);
        }
    }

    void instruct(unsigned thread) {
        const ParticipantNumber me = machine_.number(thread);
        const bool may_stop = machine_.may_stop(thread);
        if (machine_.ordered(thread)) {
            domain_.operation(may_stop);
        } else if (may_stop) {
            domain_.boundary();
        }
        turn_may_be_back(me);
        const bool goes_on = machine_.perform(thread);
        if (const unsigned created = machine_.created(); created != 0) {
            threads_.at(created) = std::thread([this, created] { live(created); });
        }
        if (goes_on) return;
        if (machine_.ended(thread)) {
            leave();
            return;
        }
        domain_.pass_turn();
        turn_may_be_back(me);
        machine_.complete(thread);
    }

    /// A decision for who decided hands nothing over.
    void turn_may_be_back(ParticipantNumber me) {
        if (!deciding_) return;
        deciding_ = false;
        machine_.decided(me);
    }

    void leave() {
        const unsigned next = machine_.decided(domain_.settle());
        deciding_ = false;
        if (next != most_threads) {
            give_turn(next);
        } else {
            finish();
        }
    }

    void finish() {
        over_.store(true);
        over_.notify_one();
    }

    /// Now and then, so that threads also meet in ways in which they do not by themselves.
    void dawdle() {
        if (calls_.fetch_add(1, std::memory_order_relaxed) % 3 == 0) std::this_thread::yield();
    }

    Domain domain_;
    Machine machine_;
    std::array<Place, most_threads> places_;
    std::array<std::thread, most_threads> threads_;
    std::atomic<bool> abandoned_{false};
    std::atomic<bool> over_{false};
    std::atomic<unsigned> calls_{0};
    bool deciding_ = false;
    Outcome outcome_;
};

TEST_CASE("threads of the host's keep the order that the simulation finds") {
    std::size_t events = 0;
    const bool holds =
        check_many("real threads and the simulation agree", ESCAPEMENT_TEST_PROGRAMS / 20, [&events] {
            const Program program = program_of(*any_sketch());
            RandomChooser random(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
            const Keys keys = random_keys(random);
            Simulation simulation(program, keys, random, {});
            const Outcome expected = simulation.run();
            RC_ASSERT(expected.defect == "");
            for (unsigned run = 0; run < 3; ++run) {
                const Keys other_keys = random_keys(random);
                const Outcome found = RealThreads(program, other_keys).run();
                RC_ASSERT(found.defect == "");
                RC_ASSERT(first_difference(expected, found) == "");
            }
            events += expected.events.size();
        });
    std::cerr << events << " events in the programs of real threads\n";
    REQUIRE(holds);
}

}  // namespace
}  // namespace escapement::simulation
