// What a journal costs: bytes and time per ordered operation when it is written, and how fast it is read and
// compared. "raw" is what the blocks hold before compression; "bytes_per_second" counts raw bytes, of a
// comparison those of one side.

#include <escapement/journal.hpp>
#include <escapement/journal_divergence.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace {

using namespace escapement;

struct Memory final : JournalSink, JournalSource {
    int write(std::span<const std::byte> more) noexcept override {
        bytes.insert(bytes.end(), more.begin(), more.end());
        return 0;
    }
    Read read(std::span<std::byte> to) noexcept override {
        const std::size_t size = std::min(to.size(), bytes.size() - at);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, to.begin());
        at += size;
        return {.size = size, .error = 0};
    }
    bool rewind() noexcept override {
        at = 0;
        return true;
    }
    std::vector<std::byte> bytes;
    std::size_t at = 0;
};

struct Nowhere final : JournalSink {
    int write(std::span<const std::byte> more) noexcept override {
        size += more.size();
        return 0;
    }
    std::uint64_t size = 0;
};

/// What an emulator's threads do: most operations lock and unlock, after work of a random length; now and
/// then one waits and is woken, polls, reads the time. Each operation has the place in the code that did it.
/// Participants take turns, or run at the same time.
std::vector<JournalRecord> emulator(std::size_t operations, unsigned participants, bool addresses,
                                    bool at_once = false) {
    std::mt19937_64 random(1);
    std::vector<Count> clocks(participants);
    std::vector<JournalRecord> records;
    records.reserve(operations + operations / 8);
    ParticipantNumber current = 0;
    const auto add = [&](OperationKind operation, ObjectNumber object, Count further, std::int64_t result) {
        clocks[current] += further;
        records.push_back({.operation = operation,
                           .participant = current,
                           .object = object,
                           .clock = clocks[current],
                           .result = result,
                           .address = addresses
                                          ? CodePlace{1, 0x1000 + 64 * static_cast<std::uint64_t>(operation) +
                                                             4096 * std::uint64_t{object}}
                                                .packed()
                                          : 0});
    };
    while (records.size() < operations) {
        const auto what = random() % (at_once ? 97 : 100);
        if (at_once) current = static_cast<ParticipantNumber>(random() % participants);
        if (what < 80) {
            const auto object = static_cast<ObjectNumber>(1 + random() % 4 * current);
            add(OperationKind::lock, object, 1000 + random() % 20000, 1);
            add(OperationKind::unlock, object, 20 + random() % 8, 1);
        } else if (what < 90) {
            add(OperationKind::wake, 30 + current, 700, random() % 2 == 0 ? 1 : 0);
        } else if (what < 97) {
            add(OperationKind::time, 0, 300 + random() % 100, 0);
        } else {
            add(OperationKind::wait, 30 + current, 300, 0);
            const auto next = static_cast<ParticipantNumber>(random() % participants);
            records.push_back({.kind = JournalRecordKind::turn,
                               .participant = current,
                               .object = next,
                               .clock = clocks[current],
                               .result = static_cast<std::int64_t>(TurnEnd::waits)});
            current = next;
        }
    }
    return records;
}

/// Records of different kinds, read again and again: few enough to stay in the cache, more than go into a
/// block.
constexpr std::size_t operations = 65'536;
constexpr int rounds = 32;

Memory written(const std::vector<JournalRecord>& records, const JournalWriter::Options& options = {}) {
    Memory file;
    JournalWriter writer(file, {}, std::pmr::get_default_resource(), options);
    for (int round = 0; round < rounds; ++round) {
        for (const JournalRecord& record : records)
            writer.record(record);
    }
    writer.close();
    return file;
}

void write(benchmark::State& state) {
    const auto records = emulator(operations, static_cast<unsigned>(state.range(0)), state.range(1) != 0);
    std::uint64_t raw = 0;
    std::uint64_t stored = 0;
    for ([[maybe_unused]] auto iteration : state) {
        Nowhere file;
        JournalWriter writer(file, {}, std::pmr::get_default_resource(),
                             {.level = static_cast<int>(state.range(2))});
        for (int round = 0; round < rounds; ++round) {
            for (const JournalRecord& record : records)
                writer.record(record);
        }
        writer.close();
        raw = writer.raw_bytes();
        stored = file.size;
    }
    const auto count = static_cast<double>(records.size()) * rounds;
    state.counters["raw_bytes_per_record"] = static_cast<double>(raw) / count;
    state.counters["bytes_per_record"] = static_cast<double>(stored) / count;
    state.counters["ns_per_record"] =
        benchmark::Counter(count * static_cast<double>(state.iterations()) / 1e9,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(raw));
}
BENCHMARK(write)
    ->ArgNames({"participants", "addresses", "level"})
    ->Args({4, 1, 1})
    ->Args({4, 0, 1})
    ->Args({4, 1, -1})
    ->Args({4, 1, -3})
    ->Args({64, 1, 1})
    ->Unit(benchmark::kMillisecond);

void read(benchmark::State& state) {
    Memory file =
        written(emulator(operations, static_cast<unsigned>(state.range(0)), true, state.range(1) != 0),
                {.level = static_cast<int>(state.range(2))});
    std::uint64_t raw = 0;
    std::uint64_t count = 0;
    for ([[maybe_unused]] auto iteration : state) {
        file.at = 0;
        auto reader = JournalReader::open(file, "journal");
        std::uint64_t clocks = 0;
        while (const JournalRecord* record = reader->next())
            clocks += record->clock;
        benchmark::DoNotOptimize(clocks);
        if (reader->trouble()) state.SkipWithError("the journal was not read");
        raw = reader->raw_bytes();
        count = reader->records();
    }
    state.counters["ns_per_record"] =
        benchmark::Counter(static_cast<double>(count) * static_cast<double>(state.iterations()) / 1e9,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(raw));
}
BENCHMARK(read)
    ->ArgNames({"participants", "at_once", "level"})
    ->Args({4, 0, 1})
    ->Args({4, 0, -1})
    ->Args({4, 0, -3})
    ->Args({4, 1, 1})
    ->Args({4, 1, -1})
    ->Args({64, 0, 1})
    ->Args({64, 0, -1})
    ->Unit(benchmark::kMillisecond);

void read_blocks(benchmark::State& state) {
    Memory file = written(emulator(operations, 4, true));
    std::uint64_t raw = 0;
    for ([[maybe_unused]] auto iteration : state) {
        file.at = 0;
        auto reader = JournalReader::open(file, "journal");
        while (reader->next_block()) {
        }
        raw = reader->raw_bytes();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(raw));
}
BENCHMARK(read_blocks)->Unit(benchmark::kMillisecond);

/// The same records, or others from the first on.
void compare(benchmark::State& state) {
    const bool alike = state.range(0) != 0;
    auto records = emulator(operations, 4, true);
    Memory a = written(records);
    if (!alike) records.front().clock += 1;
    Memory b = written(records);
    std::uint64_t raw = 0;
    for ([[maybe_unused]] auto iteration : state) {
        a.at = b.at = 0;
        const auto compared = compare_journals(a, "a", b, "b");
        if (!compared || compared->identical() != alike)
            state.SkipWithError("the journals were not compared");
        raw = compared->a.raw_bytes;
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(raw));
}
BENCHMARK(compare)->ArgName("alike")->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
