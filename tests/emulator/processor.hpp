#pragma once
// One virtual CPU: a 32-bit x86 of Unicorn's, stopped at exact instruction counts.
//
// Contract. run() executes at most `budget` instructions and says how many it did. Port accesses go to the
// Bus in the middle of it, with all instructions up to and including the accessing one reported before.
// Memory is the machine's, shared with the other CPU and with devices.
//
// An interrupt is taken between instructions: the address to return to and the flags are pushed, interrupts
// are disabled, and the handler that the guest named is run; it ends with `popf; ret`.
//
// Errors: what the guest does wrong ends the emulator with the address. Thread safety: the thread that runs
// the CPUs alone.

#include <unicorn/unicorn.h>

#include <cstdint>
#include <functional>
#include <span>

namespace emulator {

class Bus {
  public:
    virtual ~Bus() = default;
    virtual std::uint32_t in(unsigned cpu, std::uint32_t port) = 0;
    virtual void out(unsigned cpu, std::uint32_t port, std::uint32_t value) = 0;
    /// `count` more instructions are done.
    virtual void retired(std::uint64_t count) = 0;
};

class Processor {
  public:
    Processor(unsigned number, std::span<std::uint8_t> memory, std::uint32_t entry, Bus& bus);
    ~Processor();
    Processor(const Processor&) = delete;
    Processor& operator=(const Processor&) = delete;

    void run(std::uint64_t budget);
    /// What an access asks for that leaves the CPU nothing to do: run() ends after the instruction.
    void stop_after_this_instruction() { stop_ = true; }
    [[nodiscard]] bool interrupts_enabled() const;
    void enable_interrupts();
    void take_interrupt(std::uint32_t handler);

  private:
    static void on_instruction(uc_engine* engine, std::uint64_t address, std::uint32_t size, void* self);
    static std::uint32_t on_in(uc_engine* engine, std::uint32_t port, int size, void* self);
    static void on_out(uc_engine* engine, std::uint32_t port, int size, std::uint32_t value, void* self);
    [[nodiscard]] std::uint32_t get(int identifier) const;
    void set(int identifier, std::uint32_t value);
    void push(std::uint32_t value);
    void report();

    unsigned number_;
    std::span<std::uint8_t> memory_;
    Bus& bus_;
    uc_engine* engine_ = nullptr;
    std::uint32_t next_address_;
    std::uint64_t budget_ = 0;
    std::uint64_t executed_ = 0;
    std::uint64_t reported_ = 0;
    bool stop_ = false;
};

}  // namespace emulator
