#pragma once
// Writes QEMU replay logs by hand, byte for byte as QEMU does.

#include <escapement/qemu_log.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace escapement::test {

class QemuLogBuilder {
  public:
    /// A header as it is when QEMU has closed the log, or, with version 0, when it has not.
    explicit QemuLogBuilder(std::uint32_t version = qemu_log_version) { number(version, 4).number(0, 8); }

    QemuLogBuilder& event(QemuEventKind kind) { return number(static_cast<std::uint64_t>(kind), 1); }
    QemuLogBuilder& checkpoint(unsigned which) {
        return number(static_cast<std::uint64_t>(QemuEventKind::checkpoint_first) + which, 1);
    }
    QemuLogBuilder& shutdown(unsigned cause) {
        return number(static_cast<std::uint64_t>(QemuEventKind::shutdown_first) + cause, 1);
    }
    QemuLogBuilder& instructions(std::uint32_t count) {
        return event(QemuEventKind::instruction).number(count, 4);
    }
    QemuLogBuilder& clock_host(std::uint64_t value) {
        return event(QemuEventKind::clock_host).number(value, 8);
    }
    QemuLogBuilder& clock_virtual_rt(std::uint64_t value) {
        return event(QemuEventKind::clock_virtual_rt).number(value, 8);
    }
    QemuLogBuilder& array(std::string_view bytes) {
        number(bytes.size(), 4);
        for (const char byte : bytes)
            bytes_.push_back(static_cast<std::byte>(byte));
        return *this;
    }
    QemuLogBuilder& random(std::string_view bytes) {
        return event(QemuEventKind::random).number(0, 4).array(bytes);
    }
    QemuLogBuilder& net(std::string_view bytes) {
        return event(QemuEventKind::net).number(0, 1).number(0, 4).array(bytes);
    }
    QemuLogBuilder& char_read(std::string_view bytes) {
        return event(QemuEventKind::char_read).number(0, 1).array(bytes);
    }
    QemuLogBuilder& block(std::uint64_t id) { return event(QemuEventKind::block).number(id, 8); }
    /// As replay_finish ends every log.
    QemuLogBuilder& end() { return shutdown(4).event(QemuEventKind::end); }

    QemuLogBuilder& number(std::uint64_t value, unsigned bytes) {
        while (bytes-- > 0)
            bytes_.push_back(static_cast<std::byte>(value >> (8 * bytes)));
        return *this;
    }

    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

  private:
    std::vector<std::byte> bytes_;
};

/// A log in which every kind of event occurs.
inline std::vector<std::byte> log_of_every_kind() {
    using enum QemuEventKind;
    QemuLogBuilder log;
    log.clock_host(1'700'000'000'123'456'789).checkpoint(7).checkpoint(8).clock_virtual_rt(48'562);
    log.instructions(350).event(interrupt).event(exception);
    log.event(bottom_half).number(350, 8).event(bottom_half_oneshot).number(350, 8);
    log.event(input).number(0, 4).number(0, 4).number(30, 8).number(1, 1);  // key by number
    log.event(input).number(0, 4).number(1, 4).number(36, 4).number(0, 1);  // key by code
    log.event(input).number(1, 4).number(2, 4).number(1, 1);                // button
    log.event(input).number(2, 4).number(0, 4).number(static_cast<std::uint64_t>(-5), 8);
    log.event(input).number(3, 4).number(1, 4).number(400, 8);
    log.event(input).number(4, 4).number(0, 4).number(1, 8).number(7, 8).number(0, 4).number(99, 8);
    log.event(input_sync).char_read("root\n").block(3).net("\x52\x54 a packet");
    for (unsigned cause = 0; cause <= 11; ++cause)
        log.shutdown(cause);
    log.event(char_write).number(5, 4).number(5, 4);
    log.event(char_read_all).array("abc").event(char_read_all_error).number(0xfffffff5, 4);
    log.event(audio_out).number(441, 8);
    log.event(audio_in).number(2, 8).number(2, 8);
    for (std::uint64_t sample = 0; sample < 4; ++sample)
        log.number(sample, 8);
    log.random("0123456789abcdef");
    for (unsigned checkpoint = 0; checkpoint < 9; ++checkpoint)
        log.checkpoint(checkpoint);
    return log.instructions(7).end().bytes();
}

}  // namespace escapement::test
