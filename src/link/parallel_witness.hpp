#pragma once
// What the parallel order carries out, into the domain's journal.
//
// Contract. Told in turn (parallel/order.hpp), it puts; what a participant does by itself it defers:
// unlocking, locking what is reserved to it, and going on later than it asked. Whether a lock was free or had
// to be waited for is up to the host, and not recorded; at which clock its new holder goes on is not. Thread
// safety: as Journal.

#include "journal.hpp"
#include "parallel/order.hpp"

namespace escapement::link {

class ParallelWitness final : public parallel::Witness {
  public:
    explicit ParallelWitness(Journal& journal) : journal_(journal) {}

    [[nodiscard]] bool carried_out(const parallel::Seat& seat, const parallel::Request& request, Count clock,
                                   std::int64_t result) override;
    void kept(const parallel::Seat& seat, const parallel::Mutex& mutex, Count clock) override;
    [[nodiscard]] bool admitted(const parallel::Seat& seat, const parallel::Seat* by) override;
    [[nodiscard]] bool withdrawn(const parallel::Seat& seat, const parallel::Seat* by) override;
    [[nodiscard]] bool over() const override { return journal_.over(); }

    /// The caller goes on, after what it asked for at `clock`.
    void goes_on(const parallel::Seat& me, Count clock, parallel::Outcome outcome);
    void unlocked(const parallel::Seat& me, ObjectNumber mutex, Count clock);

    /// Waited for by whoever waits for ever: not an operation of the program's.
    parallel::Meeting never;

  private:
    [[nodiscard]] ObjectNumber number_of(const parallel::Seat& seat, const parallel::Request& request,
                                         Count clock);
    Journal& journal_;
};

}  // namespace escapement::link
