// The beginning: before the program's own first instruction, what is asked for is read and the runtime is
// made.

#include "keeper.hpp"
#include "processes.hpp"
#include "qemu.hpp"
#include "runtime.hpp"
#include "signal_timers.hpp"
#include "signals.hpp"

#include <sys/mman.h>

#include <new>

namespace escapement::preload {

constinit std::atomic<Mode> mode{Mode::unstarted};

namespace {

alignas(Runtime) unsigned char runtime_storage[sizeof(Runtime)];

/// Maps what it is asked for and never gives it back: the order's few tables only ever grow.
class MappedMemory final : public std::pmr::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t /*alignment*/) override {
        void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory != MAP_FAILED) return memory;
        end_without_memory("escapement: no memory for the order's tables; ended with status 125\n");
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t /*alignment*/) override {
        munmap(memory, bytes);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }
};

alignas(MappedMemory) unsigned char memory_storage[sizeof(MappedMemory)];

}  // namespace

Runtime& runtime() {
    return *std::launder(reinterpret_cast<Runtime*>(runtime_storage));
}

namespace {
void choose_quanta(OrderOptions& options, const Settings& settings, bool counted_by_emulator) {
    options.quantum = 1'000;
    if (settings.clock == ClockSource::stepped) {
        options.quantum = 10'000;
    } else if (counted_by_emulator || settings.clock == ClockSource::perf) {
        options.quantum = 1'000'000;
    } else if (is_ordered_qemu()) {
        // A guest that waits for its disk comes round every few operations, each round a hundred instructions
        // that take as long as thousands: it should not wait for more of them than it has to. But what comes
        // from outside is looked for seldom where nobody records when it came.
        options.quantum = 100;
        if (!records_or_replays()) options.outside_quantum = 1'000;
    }
    if (settings.quantum != 0) options.quantum = settings.quantum;
}
}  // namespace

void start() {
    // The first call comes from the only thread; what it calls in turn passes through.
    mode.store(Mode::aside, std::memory_order_relaxed);
    if (is_privileged()) return;
    const Settings settings = read_settings();
    const bool counted_by_emulator = find_qemu(settings);
    if (settings.ordering == Ordering::free || stands_aside()) {
        if (settings.allowed_cpus != nullptr) bind_to_cpus(settings.allowed_cpus);
        return;
    }
    if (settings.cpus != nullptr) bind_to_cpus(settings.cpus);
    auto* const memory = new (memory_storage) MappedMemory;
    OrderOptions options;
    options.policy = settings.ordering == Ordering::ticktock ? Policy::ticktock : Policy::counted;
    choose_quanta(options, settings, counted_by_emulator);
    options.waits_by_asking =
        settings.virtual_time && !counted_by_emulator && !settings.counts_between_operations();
    options.memory = memory;
    new (runtime_storage) Runtime(settings, options);
    thread_state.number = 0;
    prepare_for_forks();
    prepare_counting(settings);
    begin_journal(settings);
    runtime().begin_outside();
    if (journaling != Journaling::off) clear_stack_leftovers();
    install_own_handlers();
    adopt_alarm();
    mode.store(Mode::ordering, std::memory_order_release);
    if (!counting) return;
    begin_counting();
    thread_state.inside = 1;
    resume_counting();
    thread_state.inside = 0;
}

namespace {
__attribute__((constructor(101))) void start_early() {
    if (mode.load(std::memory_order_relaxed) == Mode::unstarted) start();
}
}  // namespace

}  // namespace escapement::preload
