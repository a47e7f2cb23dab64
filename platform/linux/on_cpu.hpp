#pragma once
// Keeping threads on CPUs, of which there may be more than a cpu_set_t has.

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

namespace escapement {

/// A set of CPUs as sched_setaffinity(2) takes it.
class CpuMask {
  public:
    explicit CpuMask(const std::set<unsigned>& cpus) {
        const unsigned most = cpus.empty() ? 0 : *cpus.rbegin();
        const auto count = std::max(static_cast<std::size_t>(CPU_SETSIZE), std::size_t{most} + 1);
        size_ = CPU_ALLOC_SIZE(count);
        mask_.reset(CPU_ALLOC(count));
        CPU_ZERO_S(size_, mask_.get());
        for (const unsigned cpu : cpus)
            CPU_SET_S(cpu, size_, mask_.get());
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] const cpu_set_t* get() const { return mask_.get(); }

  private:
    struct Free {
        void operator()(cpu_set_t* mask) const { CPU_FREE(mask); }
    };
    std::size_t size_ = 0;
    std::unique_ptr<cpu_set_t, Free> mask_;
};

/// The calling thread runs on `cpus` only, from its return on. 0, or the errno that says why not.
inline int keep_on(const std::set<unsigned>& cpus) {
    const CpuMask mask(cpus);
    return sched_setaffinity(0, mask.size(), mask.get()) == 0 ? 0 : errno;
}
inline int keep_on(unsigned cpu) {
    return keep_on(std::set<unsigned>{cpu});
}

}  // namespace escapement
