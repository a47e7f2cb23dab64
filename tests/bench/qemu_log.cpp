// How fast recordings are read and compared. The bytes are those of a booting guest, as QEMU mixes them:
// about three bytes an event, which is the hard case. "bytes_per_second" of a comparison counts one of the
// two logs.

#include <escapement/divergence.hpp>
#include <escapement/qemu_log.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace {

using namespace escapement;

class Maker {
  public:
    void byte(unsigned value) { bytes_.push_back(static_cast<std::byte>(value)); }
    void number(std::uint64_t value, unsigned size) {
        while (size-- > 0)
            byte(static_cast<unsigned>(value >> (8 * size) & 0xff));
    }
    void kind(QemuEventKind value) { byte(static_cast<unsigned>(value)); }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }

  private:
    std::vector<std::byte> bytes_;
};

/// Shares as in a recording of a Linux boot: 37 % warp checkpoints, 29 % instructions, 13 % clocks, …
std::vector<std::byte> booting_guest(std::size_t size) {
    Maker log;
    log.number(qemu_log_version, 4);
    log.number(0, 8);
    std::mt19937 shuffle(1);
    std::uint64_t clock = 1'700'000'000'000'000'000;
    while (log.size() < size) {
        const auto share = shuffle() % 100;
        if (share < 37) {
            log.kind(QemuEventKind::checkpoint_warp_account);
        } else if (share < 66) {
            log.kind(QemuEventKind::instruction);
            log.number(1 + shuffle() % 30000, 4);
        } else if (share < 79) {
            log.kind(QemuEventKind::clock_host);
            log.number(clock += shuffle() % 100000, 8);
        } else if (share < 93) {
            log.byte(34 + shuffle() % 2);
        } else {
            log.kind(QemuEventKind::interrupt);
        }
    }
    log.kind(QemuEventKind::end);
    return log.take();
}

constexpr std::size_t log_size = std::size_t{64} << 20;

void read_log(benchmark::State& state) {
    const auto log = booting_guest(log_size);
    for ([[maybe_unused]] auto iteration : state) {
        const auto summary = summarize_qemu_log(log, "log");
        if (!summary || summary->trouble) state.SkipWithError("the log was not read");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(log.size()));
}
BENCHMARK(read_log)->Unit(benchmark::kMillisecond);

void read_events(benchmark::State& state) {
    const auto log = booting_guest(log_size);
    for ([[maybe_unused]] auto iteration : state) {
        auto reader = QemuLogReader::open(log, "log");
        QemuEvent event;
        std::uint64_t events = 0;
        while (reader->next(event))
            events += event.payload.size();
        benchmark::DoNotOptimize(events);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(log.size()));
}
BENCHMARK(read_events)->Unit(benchmark::kMillisecond);

void compare_identical(benchmark::State& state) {
    const auto log = booting_guest(log_size);
    for ([[maybe_unused]] auto iteration : state) {
        const auto divergence = compare_qemu_logs(log, "a", log, "b");
        if (!divergence || !divergence->identical()) state.SkipWithError("the logs were not compared");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(log.size()));
}
BENCHMARK(compare_identical)->Unit(benchmark::kMillisecond);

/// As stock recordings do: every clock differs, and the kinds part early.
void compare_different(benchmark::State& state) {
    const auto a = booting_guest(log_size);
    auto b = a;
    b[12 + 1000] ^= std::byte{1};
    for ([[maybe_unused]] auto iteration : state) {
        const auto divergence = compare_qemu_logs(a, "a", b, "b");
        benchmark::DoNotOptimize(divergence);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(a.size()));
}
BENCHMARK(compare_different)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
