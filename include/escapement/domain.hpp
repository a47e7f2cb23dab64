#pragma once
// A domain: an order, and a host whose threads obey it.
//
// Contract. A Domain turns the order's answers into threads that run and threads that park. It decides
// nothing (the order does) and parks nobody itself (the host does): it is the loop between them. A host
// implements Host once for its kind of thread: futexes in a real process, plain variables in a test that
// explores every schedule.
//
//     domain.operation();                                          // counts it; may hand the turn on first
//     if (!domain.order().lock(key)) domain.pass_turn();           // returns when the caller holds the lock
//
// Thread safety: every call is made by the participant that has the turn.

#include <escapement/order.hpp>

namespace escapement {

/// What a domain needs from where it runs.
class Host {
  public:
    /// How idle time ended.
    struct IdleEnd {
        bool reached_deadline = false;  ///< nothing came before the deadline
        Nanoseconds passed = 0;         ///< otherwise: the time that it took something to come
    };

    Host() = default;
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    /// Virtual time that passed by itself since `now`: none where time is a function of the clocks alone.
    virtual Nanoseconds time_passed(Nanoseconds now) = 0;
    /// True if what `participant` polls for is there, if it is back from outside, or if something from
    /// outside (a signal, a cancellation) ends its wait. Asked of those in State::polling, waiting,
    /// joining and outside; of who is suspended: true if it can use the turn again. Does not wait.
    virtual bool poll_ready(ParticipantNumber participant) = 0;
    /// Lets `to` go on, then returns when `from` may. The two are different.
    virtual void hand_over(ParticipantNumber from, ParticipantNumber to) = 0;
    /// Nobody can go on. Returns at once with `reached_deadline` where nothing can come from outside,
    /// otherwise when something may have come or when the (paced) deadline is there. To reach a deadline that
    /// is `no_deadline` is to be stuck.
    virtual IdleEnd idle(Nanoseconds now, Nanoseconds deadline) = 0;
    /// Nobody can ever go on. Says so (order.stall_report()) and does not return; if it does, somebody may
    /// after all.
    virtual void stuck(const Order& order) = 0;

  protected:
    ~Host() = default;
};

class Domain {
  public:
    Domain(const OrderOptions& options, Host& host);

    [[nodiscard]] Order& order() { return order_; }
    [[nodiscard]] const Order& order() const { return order_; }

    /// Counts one ordered operation of the caller's. If `may_yield`, hands the turn on first when it is due.
    void operation(bool may_yield = true);
    /// The caller has passed a place at which it may be stopped: hands the turn on if that is due.
    void boundary();
    /// After an order call that freed the turn. Returns when the caller has the turn again.
    Wakeup pass_turn();
    /// The caller cannot get on before somebody else did something: everybody else goes first.
    void give_way();
    /// The caller, who ended or left, needs the turn no more. Returns who has it now: the host lets that one
    /// go on. Returns `nobody` if everybody has ended.
    [[nodiscard]] ParticipantNumber settle();

  private:
    Order order_;
    Host& host_;
    ParticipantNumber running_ = 0;
};

}  // namespace escapement
