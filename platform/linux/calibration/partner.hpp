#pragma once
// A thread on the same CPU that waits for a byte, sends one back, and waits again: to switch to.

#include <array>
#include <thread>

namespace escapement {

class Partner {
  public:
    /// Throws std::system_error if there is no thread, or no pipe, to be had.
    explicit Partner(unsigned cpu);
    ~Partner();
    Partner(const Partner&) = delete;
    Partner& operator=(const Partner&) = delete;
    /// A byte written here is answered there.
    [[nodiscard]] int question() const { return questions_[1]; }
    [[nodiscard]] int answer() const { return answers_[0]; }

  private:
    void run(unsigned cpu) const;
    std::array<int, 2> questions_{-1, -1};
    std::array<int, 2> answers_{-1, -1};
    std::thread thread_;
};

}  // namespace escapement
