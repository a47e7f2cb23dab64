// The journal: what is written is read back.

#include <escapement/journal.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace escapement;

namespace {

struct Memory final : JournalSink, JournalSource {
    int write(std::span<const std::byte> more) noexcept override {
        if (bytes.size() + more.size() > room) {
            bytes.insert(bytes.end(), more.begin(),
                         more.begin() + static_cast<std::ptrdiff_t>(room - bytes.size()));
            return 28;
        }
        bytes.insert(bytes.end(), more.begin(), more.end());
        return 0;
    }
    Read read(std::span<std::byte> to) noexcept override {
        const std::size_t size = std::min(to.size(), bytes.size() - at);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, to.begin());
        at += size;
        return {.size = size, .error = 0};
    }

    std::vector<std::byte> bytes;
    std::size_t at = 0;
    std::size_t room = std::size_t{1} << 40;
};

}  // namespace

TEST_CASE("what is written is read back", "[journal]") {
    Memory file;
    JournalWriter writer(file, {.policy = "counted", .quantum = 1000, .command_line = "a b"});
    for (std::uint64_t n = 0; n < 100'000; ++n) {
        writer.record({.kind = JournalRecordKind::operation,
                       .operation = n % 2 == 0 ? OperationKind::lock : OperationKind::unlock,
                       .participant = static_cast<ParticipantNumber>(n / 10 % 3),
                       .object = static_cast<ObjectNumber>(1 + n % 7),
                       .clock = n * 100 + n % 13,
                       .result = static_cast<std::int64_t>(n % 11 == 0)});
    }
    REQUIRE(writer.close());
    auto reader = JournalReader::open(file, "memory");
    REQUIRE(reader);
    CHECK(reader->header().command_line == "a b");
    CHECK(reader->header().quantum == 1000);
    std::uint64_t n = 0;
    JournalRecord record;
    while (reader->next(record)) {
        if (record.kind == JournalRecordKind::end) break;
        REQUIRE(record.clock == n * 100 + n % 13);
        REQUIRE(record.object == 1 + n % 7);
        REQUIRE(record.participant == n / 10 % 3);
        ++n;
    }
    CHECK(n == 100'000);
    CHECK(record.value == n);
    CHECK_FALSE(reader->next(record));
    CHECK_FALSE(reader->trouble());
}
