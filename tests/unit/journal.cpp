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

namespace {

/// Two participants that take turns at a lock; the second goes to sleep in the end.
Memory two_participants() {
    Memory file;
    JournalWriter writer(file, {});
    for (std::uint64_t n = 0; n < 20; ++n) {
        writer.record({.operation = OperationKind::lock,
                       .participant = static_cast<ParticipantNumber>(n % 2),
                       .object = 1,
                       .clock = 10 * n,
                       .result = static_cast<std::int64_t>(n)});
    }
    writer.record({.operation = OperationKind::read, .participant = 1, .clock = 500});
    writer.record(
        {.kind = JournalRecordKind::input, .participant = 1, .clock = 500, .bytes = bytes_of("in")});
    writer.close();
    return file;
}

JournalRecord lock_at(ParticipantNumber participant, Count clock) {
    return {.operation = OperationKind::lock, .participant = participant, .object = 1, .clock = clock};
}

}  // namespace

TEST_CASE("a replay takes each participant's records in their order", "[journal]") {
    Memory file = two_participants();
    auto reader = JournalReader::open(file, "two");
    REQUIRE(reader);
    ReplayCursor cursor(*reader);
    for (std::uint64_t n = 1; n < 20; n += 2)
        REQUIRE(cursor.take(lock_at(1, 10 * n))->result == static_cast<std::int64_t>(n));
    REQUIRE(cursor.take({.operation = OperationKind::read, .participant = 1, .clock = 500}));
    REQUIRE(cursor.next_of(1)->kind == JournalRecordKind::input);
    const auto input = cursor.take({.kind = JournalRecordKind::input, .participant = 1, .clock = 500});
    REQUIRE(input);
    CHECK(std::equal(input->bytes.begin(), input->bytes.end(), bytes_of("in").begin()));
    CHECK(cursor.front()->participant == 0);
    for (std::uint64_t n = 0; n < 20; n += 2)
        REQUIRE(cursor.take(lock_at(0, 10 * n)));
    CHECK(cursor.front()->kind == JournalRecordKind::end);
    CHECK(cursor.skip());
    CHECK(cursor.front() == nullptr);
    CHECK_FALSE(cursor.trouble());
}

TEST_CASE("a replay that parts is told where", "[journal]") {
    Memory file = two_participants();
    auto reader = JournalReader::open(file, "two");
    REQUIRE(reader);
    const bool in_order = GENERATE(false, true);
    ReplayCursor cursor(*reader, {.in_order = in_order});
    REQUIRE(cursor.take(lock_at(0, 0)));
    REQUIRE(cursor.take(lock_at(1, 10)));
    SECTION("another clock") {
        const auto taken = cursor.take(lock_at(0, 21));
        REQUIRE_FALSE(taken);
        CHECK(taken.error().reason == JournalDivergence::Reason::different);
        CHECK(taken.error().index == 2);
        CHECK(taken.error().expected->record.clock == 20);
        CHECK(taken.error().found->record.clock == 21);
        CHECK(taken.error().before.size() == 2);
        CHECK(taken.error().after.front().index == 3);
        CHECK(cursor.take(lock_at(0, 20)));  // Nothing was taken.
    }
    SECTION("another participant") {
        CHECK(cursor.take(lock_at(1, 30)).has_value() == !in_order);
    }
    SECTION("more than there is") {
        while (cursor.skip()) {
        }
        const auto taken = cursor.take(lock_at(0, 600));
        REQUIRE_FALSE(taken);
        CHECK(taken.error().reason == JournalDivergence::Reason::over);
        CHECK_THAT(taken.error().text(), Catch::Contains("where the journal is over"));
    }
}

TEST_CASE("a replay reads no further ahead than its window", "[journal]") {
    Memory file;
    JournalWriter writer(file, {});
    const std::vector<std::byte> large(60'000);
    for (std::uint64_t n = 0; n < 100; ++n)
        writer.record({.kind = JournalRecordKind::input, .participant = 1, .clock = n, .bytes = large});
    writer.record(lock_at(0, 5));
    writer.close();
    auto reader = JournalReader::open(file, "far");
    REQUIRE(reader);
    ReplayCursor cursor(*reader);
    const auto taken = cursor.take(lock_at(0, 5));
    REQUIRE_FALSE(taken);
    CHECK(taken.error().reason == JournalDivergence::Reason::far);
    for (std::uint64_t n = 0; n < 100; ++n) {
        const auto input = cursor.take({.kind = JournalRecordKind::input, .participant = 1, .clock = n});
        REQUIRE(input);
        CHECK(input->bytes.size() == large.size());
    }
    CHECK(cursor.take(lock_at(0, 5)));
}
