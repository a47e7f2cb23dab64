// A core of one's own among processes that bind themselves: found, and taken so that others see it.

#include "host_files.hpp"
#include "on_cpu.hpp"

#include <escapement/placement.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <thread>

namespace escapement {

namespace {

constexpr std::size_t most_of_one_core = 16;  // hardware threads; eight at most today (POWER)

/// The set that /proc/PID/status tells; empty if it is none, or too large to be of interest.
std::set<unsigned> bound_to(const std::string& status) {
    bool has_memory = false;  // the kernel's own threads have none
    std::string list;
    for_fields(status, [&](const std::string& key, const std::string& value) {
        if (key == "VmSize") has_memory = true;
        if (key == "Cpus_allowed_list" && value.size() < 256) list = value;
    });
    const auto cpus = has_memory ? read_cpus(list) : std::nullopt;
    return cpus && cpus->size() <= most_of_one_core ? *cpus : std::set<unsigned>{};
}

/// While it lives, one of those who name the same file; or not, if that took too long, because anybody who
/// can read a file can lock it.
class Lock {
  public:
    explicit Lock(const std::string& name) : file_(open(name.c_str(), O_RDONLY | O_CLOEXEC)) {
        using namespace std::chrono;
        const auto until = steady_clock::now() + milliseconds(500);
        while (file_ >= 0 && flock(file_, LOCK_EX | LOCK_NB) != 0 && steady_clock::now() < until)
            std::this_thread::sleep_for(milliseconds(2));
    }
    ~Lock() {
        if (file_ >= 0) close(file_);
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

  private:
    int file_;
};

}  // namespace

std::vector<std::set<unsigned>> bound_processes(const std::string& root) {
    std::vector<std::set<unsigned>> bound;
    std::error_code error;
    const std::filesystem::directory_iterator end_of_list;
    for (std::filesystem::directory_iterator at(root + "proc", error); !error && at != end_of_list;
         at.increment(error)) {
        const std::string name = at->path().filename();
        int process = 0;
        const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), process);
        if (wrong != std::errc{} || end != name.data() + name.size() || process == getpid()) continue;
        std::set<unsigned> cpus = bound_to(at->path() / "status");
        if (!cpus.empty()) bound.push_back(std::move(cpus));
    }
    return bound;
}

tl::expected<Placement, std::string> claim_serial(const std::set<unsigned>& allowed,
                                                  const std::string& lock_file) {
    const Lock lock(lock_file);
    auto placement = choose_serial(allowed, {}, bound_processes());
    if (!placement) return placement;
    (void)keep_on(placement->cpus);  // if not, it runs where it may, and the next one may come here
    return placement;
}

}  // namespace escapement
