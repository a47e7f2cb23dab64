#pragma once
// Whether memory can be read, asked before a signal handler reads what a strange program's registers point
// to.
//
// Contract. `Readable` remembers the last page that it found readable: `forget` when the program may have
// unmapped it. `copy_from` reads without ever faulting. Where the host forbids the question, the answer is
// yes. Thread safety: one thread; async-signal-safe. Source: process_vm_readv(2).

#include <cstddef>
#include <cstdint>

namespace escapement {

/// False if some of it cannot be read.
bool copy_from(std::uintptr_t address, void* to, std::size_t size);

class Readable {
  public:
    bool operator()(std::uintptr_t address);
    void forget() { page_ = none; }

  private:
    static constexpr std::uintptr_t page_size = 4096;  // or a multiple of it
    static constexpr std::uintptr_t none = 1;          // no page begins there
    std::uintptr_t page_ = none;
};

}  // namespace escapement
