// Depth first through all states, each of which is left by every step that is possible there.

#include "machine.hpp"
#include "program.hpp"

#include <algorithm>
#include <random>
#include <unordered_set>

namespace escapement::schedules {

namespace {

using parallel::Kind;
using parallel::Outcome;
using parallel::Seat;

/// A domain and its participants, on a machine.
class World final : public parallel::Witness {
  public:
    World(const Program& program, const Settings& settings)
        : program_(program),
          machine_({.store_buffers = settings.store_buffers,
                    .fault = settings.lost_unpark      ? Fault::lost_unpark
                             : settings.lost_additions ? Fault::lost_additions
                                                       : Fault::none}),
          order_({.quantum = program.quantum,
                  .cpus = settings.awake ? Machine::most_fibers : 1,
                  .spin_ns = 2,
                  .blocked_spin_ns = 2,
                  .steps_back = 1,
                  .reserves_after = program.reserves_after,
                  .most_kept = 2}) {
        order_.ring = [this](Seat& seat) { bells_.at(seat.number).unpark(); };
        const auto count = static_cast<unsigned>(program.participants.size());
        for (unsigned me = 0; me < count; ++me)
            order_.admit("", nullptr);
        if (!settings.unwitnessed) order_.witness = this;
        machine_.add_region(&order_, sizeof order_);
        machine_.add_region(&order_.seat(0), count * sizeof(Seat));
        machine_.add_region(&shared_, sizeof shared_);
        machine_.add_region(&bells_, sizeof bells_);
        machine_.add_region(&record_, sizeof record_);
        machine_.add_region(&kept_, sizeof kept_);
        machine_.add_region(&acting_, sizeof acting_);
        for (unsigned me = 0; me < count; ++me)
            machine_.add_fiber([this, me] { live(me); });
    }

    Machine& machine() { return machine_; }
    [[nodiscard]] const Record& record() const { return record_; }
    [[nodiscard]] bool stalled() const { return stalled_; }
    /// Forgets what nobody decides by.
    void forget_statistics() {
        for (unsigned me = 0; me < program_.participants.size(); ++me) {
            Seat& seat = order_.seat(me);
            seat.waits = seat.sleeps = seat.held_backs = 0;
        }
    }

    bool carried_out(const Seat& seat, const parallel::Request& request, Count clock,
                     std::int64_t result) override {
        // A place in the order is asked for only where it has not come yet.
        if (request.kind == Kind::point) return true;
        auto& kept = kept_.at(seat.number);
        for (unsigned index = 0; index < kept.count; ++index)
            record_.in_turn.entries.at(record_.in_turn.count++) = kept.entries.at(index);
        kept = {};
        record_.in_turn.add(seat.number << 8U | static_cast<unsigned>(request.kind), clock,
                            static_cast<std::uint64_t>(result));
        return true;
    }
    void kept(const Seat& seat, const parallel::Mutex& /*mutex*/, Count clock) override {
        kept_.at(seat.number).add(seat.number << 8U | static_cast<unsigned>(Kind::lock), clock, 1);
    }
    bool admitted(const Seat& /*seat*/, const Seat* /*by*/) override { return true; }
    bool withdrawn(const Seat& /*seat*/, const Seat* /*by*/) override { return true; }
    [[nodiscard]] bool over() const override { return false; }

  private:
    struct Objects {
        std::array<parallel::Mutex, 2> mutexes;
        std::array<parallel::Meeting, 1> conditions, semaphores, events;
        std::array<int, 2> holders{-1, -1};
    };

    void live(unsigned me) {
        Seat& seat = order_.seat(me);
        for (const Instruction& each : program_.participants[me]) {
            machine_.reset_clock();
            const Outcome outcome = perform(seat, each);
            record_.participants.at(me).add(static_cast<unsigned>(each.what), seat.clock,
                                            static_cast<std::uint64_t>(outcome));
            if (outcome == Outcome::stalled) {
                stalled_ = true;
                return;
            }
        }
        machine_.reset_clock();
        order_.request(seat, {.kind = Kind::leave});
    }

    Outcome perform(Seat& seat, const Instruction& each) {
        const Count until = seat.clock + each.amount;
        parallel::Mutex& mutex = shared_.mutexes.at(each.what == Do::wait ? 0 : each.object);
        switch (each.what) {
            case Do::advance:
                order_.advance(seat, each.amount);
                if (parallel::Order::at_boundary(seat)) order_.pass_boundary(seat);
                return seat.outcome == Outcome::stalled ? Outcome::stalled : Outcome::completed;
            case Do::promise:
                order_.promise(seat, each.amount);
                return Outcome::completed;
            case Do::lock:
                return taken(seat, each.object, order_.lock(seat, mutex));
            case Do::try_lock:
                return taken(seat, each.object, order_.try_lock(seat, mutex));
            case Do::timed_lock:
                return taken(seat, each.object, order_.lock(seat, mutex, until));
            case Do::unlock:
                if (shared_.holders.at(each.object) != static_cast<int>(seat.number))
                    return Outcome::completed;
                shared_.holders.at(each.object) = -1;
                order_.unlock(seat, mutex);
                return Outcome::completed;
            case Do::wait:
            case Do::timed_wait: {
                shared_.holders[0] = -1;
                const Outcome outcome =
                    order_.request(seat, {.kind = Kind::wait,
                                          .mutex = &shared_.mutexes[0],
                                          .meeting = &shared_.conditions[0],
                                          .deadline = each.what == Do::wait ? parallel::no_clock : until});
                if (outcome != Outcome::stalled) taken(seat, 0, Outcome::completed);
                return outcome;
            }
            case Do::wake:
                return order_.request(
                    seat, {.kind = Kind::wake, .meeting = &shared_.conditions[0], .amount = each.amount});
            case Do::acquire:
                return order_.request(seat, {.kind = Kind::acquire, .meeting = &shared_.semaphores[0]});
            case Do::release:
                return order_.request(
                    seat, {.kind = Kind::release, .meeting = &shared_.semaphores[0], .amount = each.amount});
            case Do::set:
                return order_.request(seat, {.kind = Kind::set, .meeting = &shared_.events[0]});
            case Do::wait_set:
                return order_.request(seat, {.kind = Kind::wait_set, .meeting = &shared_.events[0]});
            case Do::sleep:
                return order_.request(seat, {.kind = Kind::sleep, .deadline = until});
            case Do::turn:
                return order_.in_turn(seat, [this, &seat] { act(seat); });
            case Do::outside:
                order_.go_outside(seat, until);
                bells_.at(seat.number).park();
                order_.come_back(seat, until);
                return Outcome::completed;
            case Do::join:
                return order_.request(seat, {.kind = Kind::join, .other = &order_.seat(each.object)});
        }
        return Outcome::completed;
    }

    Outcome taken(const Seat& seat, unsigned mutex, Outcome outcome) {
        if (outcome != Outcome::completed) return outcome;
        record_.defect |= shared_.holders.at(mutex) != -1;
        shared_.holders.at(mutex) = static_cast<int>(seat.number);
        record_.mutexes.at(mutex).add(seat.number, seat.clock, 0);
        return outcome;
    }

    /// Two who were here at once would both find the other's mark gone or changed.
    void act(const Seat& seat) {
        record_.defect |= acting_.load(std::memory_order_acquire) != 0;
        acting_.store(seat.number + 1, std::memory_order_release);
        record_.in_turn.add(seat.number << 8U | 0xffU, seat.clock, 0);
        record_.defect |= acting_.load(std::memory_order_acquire) != seat.number + 1;
        acting_.store(0, std::memory_order_release);
    }

    const Program& program_;
    Machine machine_;
    parallel::Order order_;
    Objects shared_;
    std::array<parallel::Place, Machine::most_fibers> bells_;
    parallel::Shared<unsigned> acting_{0};
    Record record_;
    std::array<Log<16>, Machine::most_fibers> kept_;  ///< to stand before the next that is told in turn
    bool stalled_ = false;
};

struct Node {
    std::vector<std::byte> state;
    std::vector<Step> steps;
    std::size_t next = 0;
    std::size_t depth = 0;  ///< steps of the way that lead here
};

class Search {
  public:
    Search(const Program& program, const Settings& settings)
        : settings_(settings), world_(program, settings), machine_(world_.machine()) {
        machine_.keep(initial_);
    }

    /// So many schedules, chosen at random: finds most of what is wrong, and proves nothing.
    Exploration wander(std::uint64_t walks) {
        std::minstd_rand random;
        begin_again();
        for (std::uint64_t walk = 0; walk < walks && found_.defect.empty(); ++walk) {
            machine_.go_back(initial_);
            way_.clear();
            std::vector<Step> steps = machine_.steps();
            while (!steps.empty()) {
                take(steps[random() % steps.size()]);
                steps = machine_.steps();
            }
            if (world_.record().defect) found_.defect = "two at once";
            end();
        }
        if (!found_.defect.empty()) found_.defect += way();
        return found_;
    }

    Exploration run() {
        do {
            begin_again();
            walk();
            while (found_.defect.empty() && !machine_.wiser() && next_branch())
                walk();
        } while (found_.defect.empty() && machine_.wiser());
        found_.complete = found_.defect.empty() && nodes_.empty();
        found_.deadlock = world_.stalled();
        found_.states = seen_.size();
        if (!found_.defect.empty()) found_.defect += way();
        return found_;
    }

  private:
    void begin_again() {
        machine_.go_back(initial_);
        machine_.forget_wiser();
        nodes_.clear();
        seen_.clear();
        way_.clear();
        found_ = {};
        any_end_ = false;
    }

    /// Goes on, by the first step each time, to an end or to where it has been before.
    void walk() {
        for (;;) {
            std::vector<Step> steps = machine_.steps();
            if (world_.record().defect) {
                found_.defect = "two at once";
                return;
            }
            if (steps.empty()) {
                end();
                return;
            }
            const Step first = steps.front();
            if (steps.size() > 1) {
                world_.forget_statistics();
                if (!seen_.insert(machine_.fingerprint()).second) return;
                Node& node = nodes_.emplace_back();
                machine_.keep(node.state);
                node.steps = std::move(steps);
                node.next = 1;
                node.depth = way_.size();
            }
            take(first);
        }
    }

    void take(Step step) {
        way_.push_back(step);
        machine_.run(step);
        ++found_.steps;
    }

    void end() {
        if (!machine_.all_done()) {
            found_.defect = "nobody can go on";
        } else if (!any_end_) {
            any_end_ = true;
            found_.record = world_.record();
        } else if (!(found_.record == world_.record())) {
            found_.defect = "another order";
        }
    }

    /// False: there is none, or there were too many.
    bool next_branch() {
        while (!nodes_.empty() && nodes_.back().next == nodes_.back().steps.size())
            nodes_.pop_back();
        if (nodes_.empty() || seen_.size() > settings_.most_states) return false;
        Node& node = nodes_.back();
        machine_.go_back(node.state);
        way_.resize(node.depth);
        take(node.steps[node.next++]);
        return true;
    }

    [[nodiscard]] std::string way() const {
        std::string text;
        for (const Step& each : way_)
            text += "\n  " + describe(each);
        return text;
    }

    Settings settings_;
    World world_;
    Machine& machine_;
    std::vector<std::byte> initial_;
    std::vector<Node> nodes_;
    std::unordered_set<std::uint64_t> seen_;
    std::vector<Step> way_;
    Exploration found_;
    bool any_end_ = false;
};

}  // namespace

Exploration explore(const Program& program, const Settings& settings) {
    Search search(program, settings);
    return settings.walks > 0 ? search.wander(settings.walks) : search.run();
}

}  // namespace escapement::schedules
