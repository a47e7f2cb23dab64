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

/// Bytes in memory, and a disk that may be full.
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

namespace {

/// Every kind of record, with values of every size.
std::vector<JournalRecord> random_records(std::uint64_t seed, std::size_t count,
                                          const std::vector<std::byte>& bytes) {
    std::mt19937_64 random(seed);
    const auto number = [&random] { return random() >> random() % 64; };
    std::vector<JournalRecord> records;
    for (std::size_t n = 0; n < count; ++n) {
        if (n > 8 && random() % 2 == 0) {  // What is like something before is written in another way.
            records.push_back(records[n - 1 - random() % 8]);
            records.back().clock += random() % 3 == 0 ? number() : 5;
            continue;
        }
        JournalRecord record;
        record.kind = static_cast<JournalRecordKind>(random() % (journal_record_kinds - 1));
        if (record.kind == JournalRecordKind::operation)
            record.operation = static_cast<OperationKind>(random() % operation_kinds);
        record.participant = static_cast<ParticipantNumber>(number() % most_journal_participants);
        record.object = static_cast<ObjectNumber>(number());
        record.clock = number();
        record.result = static_cast<std::int64_t>(random() % 2 == 0 ? number() : ~number());
        record.address = random() % 2 == 0 ? number() : 0;
        if (record.kind > JournalRecordKind::poll_ready) {
            record.value = number();
            const std::size_t size = random() % 50 == 0 ? random() % (bytes.size() + 1) : random() % 20;
            record.bytes = std::span(bytes).first(std::min(size, bytes.size()));
        }
        records.push_back(record);
    }
    return records;
}

bool equal(const JournalRecord& a, const JournalRecord& b) {
    return a.kind == b.kind && a.operation == b.operation && a.participant == b.participant &&
           a.object == b.object && a.clock == b.clock && a.result == b.result && a.address == b.address &&
           a.value == b.value && std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
}

/// How many of `records` are read, which must be the first; the trouble, if there was any.
std::uint64_t read_back(Memory& file, const std::vector<JournalRecord>& records,
                        std::optional<JournalError>& trouble) {
    file.at = 0;
    auto reader = JournalReader::open(file, "journal");
    if (!reader) {
        trouble = reader.error();
        return 0;
    }
    std::uint64_t read = 0;
    for (JournalRecord record; reader->next(record);) {
        if (record.kind == JournalRecordKind::end) continue;
        if (read == records.size() || !equal(record, records[read])) FAIL("another record: " << read);
        ++read;
    }
    trouble = reader->trouble();
    return read;
}

Memory written(const std::vector<JournalRecord>& records, std::size_t block_size) {
    Memory file;
    JournalWriter writer(file, {.policy = "counted"}, std::pmr::get_default_resource(),
                         {.block_size = block_size});
    for (const JournalRecord& record : records)
        writer.record(record);
    REQUIRE(writer.close());
    CHECK(writer.records() == records.size() + 1);
    CHECK(writer.bytes() == file.bytes.size());
    return file;
}

}  // namespace

TEST_CASE("records of all kinds and sizes are read back", "[journal]") {
    std::vector<std::byte> bytes(most_journal_bytes);
    std::mt19937_64 random(7);
    for (std::byte& byte : bytes)
        byte = static_cast<std::byte>(random());
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        const auto records = random_records(seed, seed * seed, bytes);
        Memory file = written(records, seed % 2 == 0 ? 200 : 64 << 10);
        std::optional<JournalError> trouble;
        REQUIRE(read_back(file, records, trouble) == records.size());
        CHECK_FALSE(trouble);
        Memory again = written(records, seed % 2 == 0 ? 200 : 64 << 10);
        CHECK(file.bytes == again.bytes);
    }
}

TEST_CASE("what is left of a journal that was cut reads back, wherever that was", "[journal]") {
    const std::vector<std::byte> bytes(100);
    const auto records = random_records(1, 120, bytes);
    const Memory whole = written(records, 300);
    std::uint64_t most = 0;
    for (std::size_t size = 0; size < whole.bytes.size(); ++size) {
        Memory file;
        file.bytes.assign(whole.bytes.begin(), whole.bytes.begin() + static_cast<std::ptrdiff_t>(size));
        std::optional<JournalError> trouble;
        const std::uint64_t read = read_back(file, records, trouble);
        REQUIRE(trouble);
        REQUIRE(trouble->kind == (size == 0 ? JournalError::Kind::not_a_journal : JournalError::Kind::cut));
        REQUIRE(trouble->records == read);
        REQUIRE(trouble->offset <= size);
        REQUIRE(read >= most);  // All that was whole before is whole still.
        most = read;
    }
    CHECK(most > records.size() / 2);
}

TEST_CASE("no damage to a journal goes unnoticed", "[journal]") {
    const std::vector<std::byte> bytes(100);
    const auto records = random_records(2, 60, bytes);
    Memory file = written(records, 300);
    for (std::size_t at = 0; at < file.bytes.size(); ++at) {
        for (const unsigned mask : {1U, 0x80U, 0xffU}) {
            file.bytes[at] ^= static_cast<std::byte>(mask);
            std::optional<JournalError> trouble;
            const std::uint64_t read = read_back(file, records, trouble);
            REQUIRE(trouble);
            REQUIRE(read <= records.size());
            REQUIRE(trouble->records == read);
            REQUIRE_FALSE(trouble->text().empty());
            file.bytes[at] ^= static_cast<std::byte>(mask);
        }
    }
    file.bytes.push_back(std::byte{0});
    std::optional<JournalError> trouble;
    CHECK(read_back(file, records, trouble) == records.size());
    REQUIRE(trouble);
    CHECK(trouble->kind == JournalError::Kind::damaged);
}

TEST_CASE("a full disk loses what comes after, and nothing else", "[journal]") {
    const std::vector<std::byte> bytes(100);
    const auto records = random_records(3, 2000, bytes);
    Memory file;
    file.room = 5000;
    JournalWriter writer(file, {}, std::pmr::get_default_resource(), {.block_size = 1000});
    for (const JournalRecord& record : records)
        writer.record(record);
    CHECK_FALSE(writer.close());
    CHECK(writer.failure().error == 28);
    std::optional<JournalError> trouble;
    const std::uint64_t read = read_back(file, records, trouble);
    REQUIRE(trouble);
    CHECK(trouble->kind == JournalError::Kind::cut);
    CHECK(trouble->offset == writer.failure().offset);
    CHECK(read + writer.failure().lost == records.size() + 1);
}

TEST_CASE("a child's journal has none of its parent's records", "[journal]") {
    Memory parent;
    Memory child;
    JournalWriter writer(parent, {.command_line = "parent"});
    writer.record(lock_at(0, 5));
    writer.begin_again(child, {.command_line = "child"});
    writer.record(lock_at(3, 7));
    REQUIRE(writer.close());
    std::optional<JournalError> trouble;
    CHECK(read_back(child, {lock_at(3, 7)}, trouble) == 1);
    CHECK_FALSE(trouble);
    char name[40];
    CHECK(std::string_view(name, child_journal_name("run.journal.1", 20, name)) == "run.journal.1.20");
    CHECK(child_journal_name("run.journal", 3, std::span(name).first(13)) == 0);
}

TEST_CASE("objects are numbered by their first appearance", "[journal]") {
    ObjectNumbers numbers(std::pmr::get_default_resource(), 4);
    CHECK(numbers.number_of(0x1000) == 1);
    CHECK(numbers.number_of(0x2000) == 2);
    CHECK(numbers.number_of(0x1000) == 1);
    numbers.forget(0x1000);
    CHECK(numbers.number_of(0x2000) == 2);
    CHECK(numbers.number_of(0x1000) == 3);
    for (ObjectKey key = 0; key < 100; ++key)
        CHECK(numbers.number_of(key) > 3);  // Full again and again.
    numbers.clear();
    CHECK(numbers.number_of(0) == 1);
}
