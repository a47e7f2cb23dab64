#include "disk.hpp"

#include "machine.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace emulator {

namespace {

constexpr std::uint64_t shortest_seek = 20'000;
constexpr std::uint64_t longest_seek = 120'000;

}  // namespace

Disk::Disk(const std::string& path) {
    if (path.empty()) return;
    file_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (file_ < 0) fail(wrong_usage, "cannot open the disk ", path, ": ", std::strerror(errno));
    struct stat status {};
    if (fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) {
        fail(wrong_usage, "the disk ", path, " is no regular file");
    }
    if (status.st_size % sector_size != 0 || status.st_size / sector_size > UINT32_MAX) {
        fail(wrong_usage, "the disk ", path, " has ", status.st_size,
             " bytes, which are no whole sectors of ", sector_size);
    }
    sectors_ = static_cast<std::uint32_t>(status.st_size / sector_size);
}

Disk::~Disk() {
    if (file_ >= 0) close(file_);
}

bool Disk::carry_out(const DiskRequest& request, std::span<std::uint8_t> memory) const {
    if (request.sector >= sectors_ || request.address > memory.size() - sector_size) return false;
    std::uint8_t* const at = memory.data() + request.address;
    const auto offset = static_cast<off_t>(request.sector) * sector_size;
    const ssize_t moved = request.kind == DiskRequest::Kind::read ? pread(file_, at, sector_size, offset)
                                                                  : pwrite(file_, at, sector_size, offset);
    return moved == static_cast<ssize_t>(sector_size);
}

void run_disk_worker(Machine& machine, unsigned worker) {
    Disk& disk = machine.disk;
    Lock lock(machine.mutex);
    while (machine.running) {
        if (disk.asked.empty()) {
            machine.disk_wakes.wait(lock);
            continue;
        }
        DiskRequest request = disk.asked.front();
        disk.asked.pop_front();
        machine.write("disk-begin", request.number, "worker", worker);
        lock.unlock();

        check(escapement_random(&request.seek, sizeof request.seek));
        request.seek = shortest_seek + request.seek % (longest_seek - shortest_seek);
        check(escapement_advance(request.seek));
        request.succeeded = disk.carry_out(request, machine.memory);

        lock.lock();
        disk.carried_out.push_back(request);
        machine.main_wakes.wake_one();
    }
}

}  // namespace emulator
