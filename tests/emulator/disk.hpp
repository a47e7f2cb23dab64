#pragma once
// The disk: a file, requests in flight, and the threads that carry them out.
//
// A request takes counts of its own, which its thread reports beforehand: so the CPUs' thread need not wait
// for the host's disk before it has come as far as that. Contents are moved while nobody is waited for.

#include <cstdint>
#include <deque>
#include <span>
#include <string>

namespace emulator {

struct DiskRequest {
    enum class Kind : std::uint8_t { read = 1, write = 2 };
    std::uint32_t number = 0;
    Kind kind = Kind::read;
    std::uint32_t sector = 0;
    std::uint32_t address = 0;
    std::uint64_t seek = 0;  ///< counts that it took
    bool succeeded = false;
};

struct Disk {
    static constexpr std::uint32_t sector_size = 512;

    /// Without a path the disk has no sectors. Errors: what cannot be opened ends the emulator.
    explicit Disk(const std::string& path);
    ~Disk();
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    /// Moves a sector between the file and memory; false if there is no such sector or memory, or the host's
    /// file failed.
    [[nodiscard]] bool carry_out(const DiskRequest& request, std::span<std::uint8_t> memory) const;

    // With the machine's mutex.
    std::uint32_t sector = 0, address = 0;  ///< of the next request
    std::uint32_t requests = 0;
    std::deque<DiskRequest> asked;        ///< by the guest
    std::deque<DiskRequest> carried_out;  ///< by the threads; the main loop takes them
    std::deque<DiskRequest> completed;    ///< for the guest to see

  private:
    int file_ = -1;
    std::uint32_t sectors_ = 0;
};

}  // namespace emulator
