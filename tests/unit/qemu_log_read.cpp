// What is in a good log comes out of the reader, however its bytes arrive.

#include "qemu_log_builder.hpp"

#include <escapement/qemu_log.hpp>

#include <catch2/catch.hpp>

#include <istream>
#include <set>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

using namespace escapement;
using test::QemuLogBuilder;

namespace {

std::vector<std::pair<std::string, std::string>> read_all(QemuLogReader& reader) {
    std::vector<std::pair<std::string, std::string>> events;
    QemuEvent event;
    while (reader.next(event))
        events.emplace_back(kind_name(event.kind), describe_payload(event));
    return events;
}

/// Hands out one byte at a time, as a slow pipe may.
class Dribble : public std::streambuf {
  public:
    explicit Dribble(const std::vector<std::byte>& bytes) : bytes_(bytes) {}

  private:
    int_type underflow() override {
        if (at_ == bytes_.size()) return traits_type::eof();
        current_ = static_cast<char>(bytes_[at_++]);
        setg(&current_, &current_, &current_ + 1);
        return traits_type::to_int_type(current_);
    }

    const std::vector<std::byte>& bytes_;
    std::size_t at_ = 0;
    char current_ = 0;
};

}  // namespace

TEST_CASE("events carry number, place, instruction count, kind and payload", "[qemu_log]") {
    const auto log =
        QemuLogBuilder().clock_host(5).instructions(100).checkpoint(1).instructions(23).end().bytes();
    auto reader = QemuLogReader::open(log, "log");
    REQUIRE(reader);
    QemuEvent event;
    REQUIRE(reader->next(event));
    CHECK(event.index == 0);
    CHECK(event.offset == 12);
    CHECK(event.icount == 0);
    CHECK(event.kind == QemuEventKind::clock_host);
    CHECK(event.payload.size() == 8);
    REQUIRE(reader->next(event));
    CHECK(event.icount == 100);
    CHECK(event.offset == 21);
    REQUIRE(reader->next(event));
    CHECK(event.kind == QemuEventKind::checkpoint_warp_account);
    CHECK(event.icount == 100);
    REQUIRE(reader->next(event));
    CHECK(event.icount == 123);
    REQUIRE(reader->next(event));
    REQUIRE(reader->next(event));
    CHECK(event.kind == QemuEventKind::end);
    CHECK(event.index == 5);
    CHECK_FALSE(reader->next(event));
    CHECK_FALSE(reader->next(event));
    CHECK_FALSE(reader->trouble());
}

TEST_CASE("every kind of event is read and described", "[qemu_log]") {
    const auto log = test::log_of_every_kind();
    auto reader = QemuLogReader::open(log, "log");
    REQUIRE(reader);
    const auto events = read_all(*reader);
    CHECK_FALSE(reader->trouble());

    std::set<std::string> kinds;
    for (const auto& event : events)
        kinds.insert(event.first);
    CHECK(kinds.size() == qemu_event_kinds);
    CHECK(kinds.count("UNKNOWN") == 0);

    const auto described = [&](const std::string& kind) {
        for (const auto& event : events) {
            if (event.first == kind) return event.second;
        }
        return std::string("missing");
    };
    CHECK(described("CLOCK_HOST") == "1700000000.123456789 s");
    CHECK(described("CLOCK_VIRTUAL_RT") == "0.000048562 s");
    CHECK(described("INSTRUCTION") == "350 instructions");
    CHECK(described("ASYNC_BH") == "queued at instruction 350");
    CHECK(described("ASYNC_INPUT") == "key number 30 down");
    CHECK(described("ASYNC_CHAR_READ") == "device 0, 5 bytes: 72 6f 6f 74 0a |root.|");
    CHECK(described("ASYNC_BLOCK") == "request 3");
    CHECK(described("CHAR_READ_ALL") == "3 bytes: 61 62 63 |abc|");
    CHECK(described("CHAR_READ_ALL_ERROR") == "error -11");
    CHECK(described("AUDIO_IN") == "2 samples recorded, place 2");
    CHECK(described("RANDOM").find("result 0, 16 bytes: 30 31") == 0);
    CHECK(described("CHECKPOINT_INIT").empty());

    std::vector<std::string> inputs;
    for (const auto& event : events) {
        if (event.first == "ASYNC_INPUT") inputs.push_back(event.second);
    }
    CHECK(inputs == std::vector<std::string>{"key number 30 down", "key qcode 36 up", "button 2 down",
                                             "relative axis 0 value -5", "absolute axis 1 value 400",
                                             "touch 0 slot 1 tracking 7 axis 0 value 99"});
}

TEST_CASE("a log reads the same from memory and byte by byte from a stream", "[qemu_log]") {
    QemuLogBuilder builder;
    for (std::uint32_t i = 0; i < 300; ++i)
        builder.instructions(i + 1)
            .net(std::string(std::size_t{i} * 11, static_cast<char>(i)))
            .checkpoint(i % 9);
    const auto log = builder.end().bytes();
    auto from_memory = QemuLogReader::open(log, "log");
    Dribble dribble(log);
    std::istream stream(&dribble);
    auto from_stream = QemuLogReader::open(stream, "log");
    REQUIRE(from_memory);
    REQUIRE(from_stream);
    CHECK(read_all(*from_memory) == read_all(*from_stream));
    CHECK_FALSE(from_stream->trouble());
}

TEST_CASE("payloads may be larger than the buffer", "[qemu_log]") {
    std::string packet(3'000'000, 'x');
    packet.back() = 'y';
    const auto log = QemuLogBuilder().instructions(1).net(packet).instructions(1).end().bytes();
    auto reader = QemuLogReader::open(log, "log");
    REQUIRE(reader);
    QemuEvent event;
    REQUIRE(reader->next(event));
    REQUIRE(reader->next(event));
    CHECK(event.payload.size() == 9 + packet.size());
    CHECK(event.payload.back() == std::byte{'y'});
    REQUIRE(reader->next(event));
    CHECK(event.icount == 2);
}

TEST_CASE("a summary counts", "[qemu_log]") {
    const auto log = test::log_of_every_kind();
    const auto summary = summarize_qemu_log(log, "log");
    REQUIRE(summary);
    CHECK(summary->bytes == log.size());
    CHECK(summary->icount == 357);
    CHECK(summary->by_kind[static_cast<std::size_t>(QemuEventKind::input)] == 6);
    std::uint64_t sum = 0;
    for (const std::uint64_t count : summary->by_kind)
        sum += count;
    CHECK(sum == summary->events);
    CHECK_FALSE(summary->trouble);
}
