#pragma once
// What the serial port is connected to.
//
// `stdio`: standard input and output. `socket:PATH`: whoever connects there; the machine starts once somebody
// has. Errors: what is not possible ends the emulator. Thread safety: made and destroyed by one thread.

#include <string>

namespace emulator {

class SerialLine {
  public:
    explicit SerialLine(const std::string& to);
    ~SerialLine();
    SerialLine(const SerialLine&) = delete;
    SerialLine& operator=(const SerialLine&) = delete;
    [[nodiscard]] int input() const { return input_; }
    [[nodiscard]] int output() const { return output_; }

  private:
    int input_ = 0;
    int output_ = 1;
};

}  // namespace emulator
