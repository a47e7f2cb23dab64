#include "statistics.hpp"

#include "qemu.hpp"
#include "real.hpp"
#include "runtime.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace escapement::preload {

namespace {

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
    void add_escaped(const char* from) {
        for (; *from != '\0'; ++from) {
            const auto each = static_cast<unsigned char>(*from);
            if (each == '"' || each == '\\') {
                add("\\%c", each);
            } else if (each < 0x20) {
                add("\\u%04x", each);
            } else {
                add("%c", each);
            }
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

void put(int file, const Text& text) {
    std::size_t done = 0;
    while (done < text.size) {
        const ssize_t wrote = write(file, text.text + done, text.size - done);
        if (wrote <= 0) break;
        done += static_cast<std::size_t>(wrote);
    }
}

/// All or nothing: readers see the whole file or none.
void put_in_place(const char* path, const Text& text) {
    char temporary[4096];
    const int length =
        std::snprintf(temporary, sizeof temporary, "%s.%ld~", path, static_cast<long>(getpid()));
    if (length < 0 || static_cast<std::size_t>(length) >= sizeof temporary) return;
    const int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0 || (put(file, text), close(file) != 0) || std::rename(temporary, path) != 0) {
        std::fprintf(stderr, "escapement: cannot write the statistics to %s: %s\n", path,
                     std::strerror(errno));
        unlink(temporary);
    }
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
            put_in_place(path, text);
        } else {
            char own[4096];
            std::snprintf(own, sizeof own, "%s.%ld", path, static_cast<long>(process));
            put_in_place(own, text);
        }
    }
    thread_state.inside = inside;
}

}  // namespace escapement::preload
