// Whatever is wrong with a log is told with its place, and nothing worse happens.

#include "qemu_log_builder.hpp"

#include <escapement/qemu_log.hpp>

#include <catch2/catch.hpp>

#include <istream>
#include <span>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <vector>

using namespace escapement;
using test::QemuLogBuilder;
using Kind = QemuLogError::Kind;

namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
    std::vector<std::byte> bytes;
    for (const char letter : text)
        bytes.push_back(static_cast<std::byte>(letter));
    return bytes;
}

QemuLogError refusal(const std::vector<std::byte>& log) {
    const auto summary = summarize_qemu_log(log, "log");
    REQUIRE_FALSE(summary);
    return summary.error();
}

QemuLogError trouble_of(const std::vector<std::byte>& log) {
    const auto summary = summarize_qemu_log(log, "log");
    REQUIRE(summary);
    REQUIRE(summary->trouble);
    return *summary->trouble;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what is not a log is refused", "[qemu_log]") {
    CHECK(refusal({}).kind == Kind::not_closed);
    CHECK(refusal(bytes_of("short")).kind == Kind::not_a_log);
    CHECK(refusal(bytes_of("\x7f"
                           "ELF and much more of it"))
              .kind == Kind::not_a_log);
    const QemuLogError older = refusal(QemuLogBuilder(0xe02007).end().bytes());
    CHECK(older.kind == Kind::other_version);
    CHECK(contains(older.text(),
                   "log: at byte 0: written by a QEMU with replay version 0xe02007, not 0xe0200c"));
    auto reserved = QemuLogBuilder().end().bytes();
    reserved[7] = std::byte{1};
    CHECK(refusal(reserved).kind == Kind::damaged);
    CHECK(refusal(reserved).offset == 4);
}

TEST_CASE("a recording that was killed is read up to where it was cut", "[qemu_log]") {
    const auto log = QemuLogBuilder(0).instructions(5).clock_host(7).bytes();
    const auto summary = summarize_qemu_log(log, "log");
    REQUIRE(summary);
    CHECK(summary->events == 2);
    REQUIRE(summary->trouble);
    CHECK(summary->trouble->kind == Kind::not_closed);
    CHECK(summary->trouble->offset == log.size());
    CHECK(contains(summary->trouble->text(), "was not closed"));

    // The header is written after END.
    CHECK(trouble_of(QemuLogBuilder(0).instructions(5).end().bytes()).kind == Kind::not_closed);
    CHECK(trouble_of(QemuLogBuilder(0).bytes()).kind == Kind::not_closed);
    // A file that was made large beforehand, and holds nothing.
    CHECK(trouble_of(std::vector<std::byte>(4096)).kind == Kind::damaged);
}

TEST_CASE("bytes that QEMU does not write are damage", "[qemu_log]") {
    const auto damaged_at = [](const QemuLogBuilder& log) {
        const QemuLogError error = trouble_of(log.bytes());
        CHECK(error.kind == Kind::damaged);
        return error.offset;
    };
    CHECK(damaged_at(QemuLogBuilder().instructions(1).number(40, 1).end()) == 17);
    CHECK(damaged_at(QemuLogBuilder().instructions(0).end()) == 12);
    CHECK(damaged_at(QemuLogBuilder().instructions(0x80000000).end()) == 12);
    CHECK(damaged_at(QemuLogBuilder().event(QemuEventKind::input).number(5, 4).end().end().end().end()) ==
          12);
    CHECK(damaged_at(QemuLogBuilder().event(QemuEventKind::input).number(0, 4).number(2, 4).end()) == 12);
    CHECK(damaged_at(QemuLogBuilder().end().checkpoint(0)) == 14);
}

TEST_CASE("lengths are not believed", "[qemu_log]") {
    for (const std::uint32_t length : {0xffffffffU, 0x7fffffffU, 0x01000001U}) {
        const auto log = QemuLogBuilder().event(QemuEventKind::char_read_all).number(length, 4).end().bytes();
        CHECK(trouble_of(log).kind == Kind::damaged);
    }
    // Possible, but not there.
    const auto log = QemuLogBuilder().event(QemuEventKind::char_read_all).number(0x01000000, 4).end().bytes();
    CHECK(trouble_of(log).kind == Kind::truncated);
    const auto audio =
        QemuLogBuilder().event(QemuEventKind::audio_in).number(~0ULL, 8).number(0, 8).end().bytes();
    CHECK(trouble_of(audio).kind == Kind::damaged);
}

TEST_CASE("a log cut anywhere is called cut, with its length", "[qemu_log]") {
    const auto log = test::log_of_every_kind();
    for (std::size_t size = 12; size < log.size(); ++size) {
        const auto summary = summarize_qemu_log(std::span(log).first(size), "log");
        REQUIRE(summary);
        REQUIRE(summary->trouble);
        CHECK(summary->trouble->kind == Kind::truncated);
        CHECK(summary->trouble->offset == size);
    }
}

TEST_CASE("any byte may be any other without harm", "[qemu_log]") {
    const auto log = test::log_of_every_kind();
    for (std::size_t at = 0; at < log.size(); ++at) {
        for (unsigned value = 0; value < 256; ++value) {
            auto damaged = log;
            damaged[at] = static_cast<std::byte>(value);
            auto reader = QemuLogReader::open(damaged, "log");
            if (!reader) continue;
            QemuEvent event;
            std::uint64_t expected = 0;
            std::size_t place = 12;
            while (reader->next(event)) {
                if (event.index != expected || event.offset != place) FAIL("events do not follow each other");
                ++expected;
                place += 1 + event.payload.size();
            }
            if (reader->trouble() && reader->trouble()->offset > damaged.size())
                FAIL("trouble beyond the end");
        }
    }
}

TEST_CASE("a stream that fails is unreadable", "[qemu_log]") {
    class Failing : public std::streambuf {
        int_type underflow() override { throw std::runtime_error("the disk is gone"); }
    } failing;
    std::istream stream(&failing);
    const auto reader = QemuLogReader::open(stream, "log");
    REQUIRE_FALSE(reader);
    CHECK(reader.error().kind == Kind::unreadable);
}

TEST_CASE("names are escaped for the terminal", "[qemu_log]") {
    const auto summary = summarize_qemu_log(std::vector<std::byte>{}, "a\x1b[31mb");
    REQUIRE_FALSE(summary);
    CHECK(contains(summary.error().text(), "a\\x1b[31mb"));
}
