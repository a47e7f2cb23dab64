#include "statistics.hpp"

#include "qemu.hpp"
#include "real.hpp"
#include "runtime.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace escapement::preload {

namespace {

/// Bytes of the UTF-8 character at `text`; 0 if there is none. Source: RFC 3629, 4.
std::size_t character_length(const char* text) {
    const auto byte = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const auto within = [](unsigned char value, unsigned char least, unsigned char most) {
        return value >= least && value <= most;
    };
    const auto follows = [&](std::size_t index) { return within(byte(index), 0x80, 0xbf); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    if (within(first, 0xc2, 0xdf)) return follows(1) ? 2 : 0;
    if (within(first, 0xe0, 0xef)) {
        const unsigned char least = first == 0xe0 ? 0xa0 : 0x80;
        const unsigned char most = first == 0xed ? 0x9f : 0xbf;
        return within(byte(1), least, most) && follows(2) ? 3 : 0;
    }
    if (within(first, 0xf0, 0xf4)) {
        const unsigned char least = first == 0xf0 ? 0x90 : 0x80;
        const unsigned char most = first == 0xf4 ? 0x8f : 0xbf;
        return within(byte(1), least, most) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

/// Text in a fixed buffer: the end of a process is no time to allocate.
struct Text {
    char text[32768];
    std::size_t size = 0;

    __attribute__((format(printf, 2, 3))) void add(const char* format, ...) {
        va_list list;
        va_start(list, format);
        // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the line above begins it
        const int wanted = std::vsnprintf(text + size, sizeof text - size, format, list);
        va_end(list);
        if (wanted > 0) size += static_cast<std::size_t>(wanted);
        if (size >= sizeof text) size = sizeof text - 1;
    }
    /// For JSON, which is UTF-8; a byte that is part of no character stands for itself in Latin-1.
    void add_escaped(const char* from) {
        while (*from != '\0') {
            const auto each = static_cast<unsigned char>(*from);
            const std::size_t length = character_length(from);
            if (each == '"' || each == '\\') {
                add("\\%c", each);
            } else if (length == 0 || each < 0x20 || each == 0x7f) {
                add("\\u%04x", each);
            } else {
                add("%.*s", static_cast<int>(length), from);
            }
            from += length == 0 ? 1 : length;
        }
    }
};

void add_place(Text& text, std::uintptr_t address) {
    text.add("0x%llx", static_cast<unsigned long long>(address));
    Dl_info information{};
    if (address != 0 && dladdr(reinterpret_cast<void*>(address), &information) != 0) {
        const char* const slash = std::strrchr(information.dli_fname, '/');
        text.add(" (");
        if (information.dli_sname != nullptr) {
            text.add_escaped(information.dli_sname);
            text.add("+0x%llx in ", static_cast<unsigned long long>(
                                        address - reinterpret_cast<std::uintptr_t>(information.dli_saddr)));
        }
        text.add_escaped(slash != nullptr ? slash + 1 : information.dli_fname);
        text.add("+0x%llx)", static_cast<unsigned long long>(
                                 address - reinterpret_cast<std::uintptr_t>(information.dli_fbase)));
    }
}

const char* role_of(Runtime& domain, ParticipantNumber number) {
    return number < domain.order().participants().size() ? domain.order().participants()[number].role : "";
}

const char* policy_name(const Runtime& domain) {
    return domain.settings().ordering == Ordering::ticktock ? "ticktock" : "counted";
}

void as_json(Text& text, Runtime& domain) {
    const OrderStatistics& counts = domain.order().statistics();
    text.add(
        "{\"version\":1,\"policy\":\"%s\",\"clock\":\"%s\",\"quantum\":%llu,\"time\":\"%s\",\"seed\":%llu,",
        policy_name(domain), clock_name(), static_cast<unsigned long long>(domain.order().options().quantum),
        domain.settings().virtual_time ? "virtual" : "real",
        static_cast<unsigned long long>(domain.settings().seed));
    text.add("\"reproducible\":%s,\"incidents\":[", domain.incidents() == 0 ? "true" : "false");
    for (std::size_t index = 0; index < domain.incidents(); ++index) {
        const Incident& incident = domain.incident(index);
        text.add("%s{\"participant\":\"", index == 0 ? "" : ",");
        if (incident.participant != nobody) text.add("%u ", incident.participant);
        text.add_escaped(role_of(domain, incident.participant));
        text.add("\",\"address\":\"");
        add_place(text, incident.address);
        text.add("\",\"reason\":\"");
        text.add_escaped(incident.reason);
        if (incident.what != nullptr) text.add_escaped(incident.what);
        text.add("\"}");
    }
    text.add("],\"operations\":%llu,\"switches\":%llu,\"boundaries\":%llu,\"jumps\":%llu,\"jumped_ns\":%lld,",
             static_cast<unsigned long long>(counts.operations),
             static_cast<unsigned long long>(counts.switches),
             static_cast<unsigned long long>(counts.boundaries),
             static_cast<unsigned long long>(counts.jumps), static_cast<long long>(counts.jumped_ns));
    text.add("\"virtual_ns\":%lld,\"participants\":[", static_cast<long long>(domain.order().now()));
    const auto& participants = domain.order().participants();
    for (ParticipantNumber number = 0; number < participants.size() && text.size < sizeof text.text - 512;
         ++number) {
        text.add("%s{\"number\":%u,\"role\":\"", number == 0 ? "" : ",", number);
        text.add_escaped(participants[number].role);
        text.add("\",\"clock\":%llu,\"held_ns\":%lld}",
                 static_cast<unsigned long long>(participants[number].clock),
                 static_cast<long long>(domain.seat(number).held_ns));
    }
    text.add("]}\n");
}

void as_text(Text& text, Runtime& domain) {
    const OrderStatistics& counts = domain.order().statistics();
    text.add(
        "escapement: policy %s, clock %s, quantum %llu: %llu operations, %llu switches, %llu boundaries, "
        "%llu jumps over"
        " %.3f s of idle time\n",
        policy_name(domain), clock_name(), static_cast<unsigned long long>(domain.order().options().quantum),
        static_cast<unsigned long long>(counts.operations), static_cast<unsigned long long>(counts.switches),
        static_cast<unsigned long long>(counts.boundaries), static_cast<unsigned long long>(counts.jumps),
        static_cast<double>(counts.jumped_ns) / 1e9);
    const auto& participants = domain.order().participants();
    for (ParticipantNumber number = 0; number < participants.size() && text.size < sizeof text.text - 512;
         ++number) {
        text.add("escapement:   participant %u '%s': clock %llu, held the turn for %.3f s\n", number,
                 participants[number].role, static_cast<unsigned long long>(participants[number].clock),
                 static_cast<double>(domain.seat(number).held_ns) / 1e9);
    }
}

void say_incidents(Text& text, Runtime& domain) {
    for (std::size_t index = 0; index < domain.incidents(); ++index) {
        const Incident& incident = domain.incident(index);
        text.add("escapement: not reproducible: ");
        if (incident.participant != nobody) {
            text.add("participant %u '%s' ", incident.participant, role_of(domain, incident.participant));
        }
        text.add("%s%s", incident.reason, incident.what != nullptr ? incident.what : "");
        if (incident.address != 0) {
            text.add(", at ");
            add_place(text, incident.address);
        }
        text.add("\n");
    }
}

/// False if not all of it could be written; errno says why.
bool put(int file, const Text& text) {
    for (std::size_t done = 0; done < text.size;) {
        const ssize_t wrote = write(file, text.text + done, text.size - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        done += static_cast<std::size_t>(wrote);
    }
    return true;
}

bool put_and_close(int file, const Text& text) {
    if (file < 0) return false;
    const bool whole = put(file, text);
    const int reason = errno;
    const bool closed = close(file) == 0;
    if (!whole) errno = reason;
    return whole && closed;
}

/// All or nothing: readers see the whole file or none. A device or a pipe, which another file must not take
/// the place of, can only be written to directly.
bool put_in_place(const char* path, const Text& text) {
    struct stat status {};
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return put_and_close(open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), text);
    char temporary[4096];
    const int length =
        std::snprintf(temporary, sizeof temporary, "%s.%ld~", path, static_cast<long>(getpid()));
    if (length < 0 || static_cast<std::size_t>(length) >= sizeof temporary) {
        errno = ENAMETOOLONG;
        return false;
    }
    // The name can be foreseen: what somebody else put there is neither followed nor written to.
    unlink(temporary);
    if (put_and_close(open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), text) &&
        std::rename(temporary, path) == 0)
        return true;
    const int reason = errno;
    unlink(temporary);
    errno = reason;
    return false;
}

void store(const char* path, const Text& text) {
    if (put_in_place(path, text)) return;
    std::fprintf(stderr, "escapement: cannot write the statistics to %s: %s\n", path, std::strerror(errno));
}

std::atomic<pid_t> written_by{0};

}  // namespace

void write_statistics() {
    if (mode.load(std::memory_order_relaxed) != Mode::ordering) return;
    const pid_t process = getpid();
    if (written_by.exchange(process, std::memory_order_acq_rel) == process) return;
    Runtime& domain = runtime();
    const std::uint32_t inside = thread_state.inside;
    thread_state.inside = 1;
    if (thread_state.number != nobody && !thread_state.outside && domain.settings().statistics != nullptr) {
        Seat& mine = domain.my_seat();
        if (mine.thread_id.load(std::memory_order_relaxed) == gettid()) {
            mine.held_ns += domain.turn_so_far_ns(mine);
        }
    }
    static Text text;
    text.size = 0;
    say_incidents(text, domain);
    const char* const path = domain.settings().statistics;
    const bool to_file = path != nullptr && std::strcmp(path, "-") != 0;
    if (path != nullptr && !to_file) as_text(text, domain);
    put(STDERR_FILENO, text);
    if (to_file) {
        text.size = 0;
        as_json(text, domain);
        if (process == domain.settings().launched) {
            store(path, text);
        } else {
            char own[4096];
            std::snprintf(own, sizeof own, "%s.%ld", path, static_cast<long>(process));
            store(own, text);
        }
    }
    thread_state.inside = inside;
}

}  // namespace escapement::preload
