#include "journal_start.hpp"

#include "code_places.hpp"
#include "qemu.hpp"
#include "real.hpp"
#include "recording.hpp"
#include "runtime.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace escapement::preload {

namespace {

/// One mapping for all that a writer or a reader takes, as large for either: what the program maps later lies
/// at the same addresses in a recording and its replay.
class Arena final : public std::pmr::memory_resource {
  public:
    /// What was taken is free again; in a child process, which begins anew.
    void rewind() { used_ = 0; }

  private:
    static constexpr std::size_t size = std::size_t{16} << 20;

    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (memory_ == nullptr) {
            memory_ = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                           -1, 0);
        }
        used_ = (used_ + alignment - 1) / alignment * alignment;
        if (memory_ == MAP_FAILED || used_ + bytes > size) {
            static const char text[] = "escapement: no memory for the journal\n";
            [[maybe_unused]] const ssize_t written = real().write(STDERR_FILENO, text, sizeof text - 1);
            real()._exit(125);
        }
        void* const part = static_cast<std::byte*>(memory_) + used_;
        used_ += bytes;
        return part;
    }
    void do_deallocate(void* /*memory*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {}
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }

    void* memory_ = nullptr;
    std::size_t used_ = 0;
};

alignas(Arena) unsigned char arena_storage[sizeof(Arena)];
alignas(OpenJournal) unsigned char journal_storage[sizeof(OpenJournal)];
bool begun = false;

Arena& arena() {
    return *std::launder(reinterpret_cast<Arena*>(arena_storage));
}

constexpr std::uint64_t flag_real_time = 1;

/// A line. What comes from a journal is in it: no terminal is to obey that.
void say_list(const char* format, va_list list) {
    char text[9000];
    const int wanted = std::vsnprintf(text, sizeof text, format, list);
    const std::size_t size = std::min(static_cast<std::size_t>(std::max(wanted, 0)), sizeof text - 1);
    for (std::size_t at = 0; at + 1 < size; ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const bool second = byte == 0xc2 && static_cast<unsigned char>(text[at + 1]) < 0xa0;
        if (byte < 0x20 || byte == 0x7f || second) text[at] = '?';
        if (second) text[at + 1] = '?';
    }
    [[maybe_unused]] const ssize_t written = real().write(STDERR_FILENO, text, size);
}

__attribute__((format(printf, 1, 2))) void say(const char* format, ...) {
    va_list list;
    va_start(list, format);
    say_list(format, list);
    va_end(list);
}

[[noreturn]] __attribute__((format(printf, 1, 2))) void refuse(const char* format, ...) {
    va_list list;
    va_start(list, format);
    say_list(format, list);
    va_end(list);
    real()._exit(125);
    __builtin_unreachable();
}

struct CommandLine {
    char text[8192];
    std::size_t size = 0;

    CommandLine() {
        const auto file = static_cast<int>(
            real().syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
        if (file < 0) return;
        std::size_t got = 0;
        for (long part = 1; part > 0 && got < sizeof text; got += static_cast<std::size_t>(part))
            part = std::max(0L, real().syscall(SYS_read, file, text + got, sizeof text - got));
        real().syscall(SYS_close, file);
        size = got;
    }
    [[nodiscard]] std::string_view view() const { return {text, size}; }
};

/// The program's own arguments, each with its 0: a script's are its interpreter's.
std::string_view own_command() {
    static const CommandLine command;
    return command.view();
}

JournalHeader header_of(const Settings& settings) {
    static utsname system;
    uname(&system);
    return {.policy = settings.ordering == Ordering::ticktock ? "ticktock" : "counted",
            .quantum = runtime().order().options().quantum,
            .clock_source = clock_name(),
            .event = settings.event_name != nullptr ? settings.event_name : "",
            .fingerprint = system.machine,
            .command_line = settings.command != nullptr ? settings.command : "",
            .flags = settings.virtual_time ? 0 : flag_real_time};
}

/// Where no program of its own accord has a descriptor, so that it gets the numbers that it would get
/// without.
void move_high(JournalFile& file) {
    constexpr rlim_t high = 4096;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    for (rlim_t least = std::min(limit.rlim_cur, high) / 4 * 3; least > 64; least /= 2) {
        if (file.move(static_cast<int>(least)) == 0) return;
    }
}

void begin_recording(OpenJournal& journal, const Settings& settings) {
    const int error = journal.file.create(
        journal.path, journal.child ? JournalFile::Name::derived : JournalFile::Name::given);
    if (error != 0 && journal.child) {
        say("escapement: cannot write the journal %s: %s; what process %ld does is not recorded\n",
            journal.path, std::strerror(error), static_cast<long>(getpid()));
        journaling = Journaling::off;
        return;
    }
    if (error != 0)
        refuse("escapement: cannot write the journal %s: %s\n", journal.path, std::strerror(error));
    move_high(journal.file);
    if (journal.writer) {
        journal.writer->begin_again(journal.file, header_of(settings));
    } else {
        journal.writer.emplace(journal.file, header_of(settings), &arena());
    }
    record_of_caller(
        {.kind = JournalRecordKind::random_seed, .value = settings.seed, .bytes = bytes_of(own_command())});
}

void check(const char* path, const char* what, std::string_view recorded, std::string_view now) {
    if (recorded == now) return;
    refuse("escapement: %s cannot be replayed so: it is of %s '%.*s', this is '%.*s'\n", path, what,
           static_cast<int>(recorded.size()), recorded.data(), static_cast<int>(now.size()), now.data());
}

void begin_replay(OpenJournal& journal, const Settings& settings) {
    if (const int error = journal.file.open(journal.path); error != 0)
        refuse("escapement: cannot read the journal %s: %s\n", journal.path, std::strerror(error));
    move_high(journal.file);
    // A short name: it takes no memory from the program's heap.
    auto reader = JournalReader::open(journal.file, "journal", &arena());
    if (!reader) refuse("escapement: %s: %s\n", journal.path, reader.error().text().c_str());
    journal.reader.emplace(std::move(*reader));
    const JournalHeader& recorded = journal.reader->header();
    const JournalHeader now = header_of(settings);
    if (journal.child && recorded.command_line != now.command_line) {  // left by another run
        journaling = Journaling::off;
        return;
    }
    check(journal.path, "processor", recorded.fingerprint, now.fingerprint);
    check(journal.path, "command", recorded.command_line, now.command_line);
    check(journal.path, "policy", recorded.policy, now.policy);
    check(journal.path, "clock", recorded.clock_source, now.clock_source);
    check(journal.path, "event", recorded.event, now.event);
    check(journal.path, "time", (recorded.flags & flag_real_time) != 0 ? "real" : "virtual",
          settings.virtual_time ? "virtual" : "real");
    if (recorded.quantum != now.quantum) {
        refuse("escapement: %s cannot be replayed so: it is of quantum %llu, this is %llu\n", journal.path,
               static_cast<unsigned long long>(recorded.quantum),
               static_cast<unsigned long long>(now.quantum));
    }
    journal.cursor.emplace(*journal.reader,
                           ReplayOptions{.in_order = true, .compare_results = true, .memory = &arena()});
    const JournalRecord* const seed = expected_of(JournalRecordKind::random_seed, acting_participant());
    if (journaling == Journaling::off) return;  // a child's, that became another program at once
    // A program that becomes another (a shell script that ends with exec) is followed by that one's journal.
    const auto program = bytes_of(own_command());
    if (seed != nullptr &&
        !std::equal(seed->bytes.begin(), seed->bytes.end(), program.begin(), program.end())) {
        journaling = Journaling::off;
        return;
    }
    if (seed == nullptr || seed->value != settings.seed) {
        refuse("escapement: %s cannot be replayed so: it is of seed %llu, this is %llu\n", journal.path,
               static_cast<unsigned long long>(seed != nullptr ? seed->value : 0),
               static_cast<unsigned long long>(settings.seed));
    }
    take_expected();
}

}  // namespace

OpenJournal& open_journal() {
    return *std::launder(reinterpret_cast<OpenJournal*>(journal_storage));
}

void begin_journal(const Settings& settings) {
    if (settings.journal == nullptr) return;
    new (arena_storage) Arena;
    auto& journal = *new (journal_storage) OpenJournal;
    begun = true;
    std::snprintf(journal.path, sizeof journal.path, "%s", settings.journal);
    journaling = settings.replays ? Journaling::replay : Journaling::record;
    keeps_signals = true;
    journal.objects.emplace(&arena());
    if (settings.replays) {
        begin_replay(journal, settings);
    } else {
        begin_recording(journal, settings);
    }
}

void count_child() {
    if (begun) ++open_journal().children;
}

void journal_of_child() {
    if (!begun || journaling == Journaling::off) return;
    OpenJournal& journal = open_journal();
    char path[sizeof journal.path];
    if (child_journal_name(journal.path, journal.children, path) == 0) {
        journaling = Journaling::off;
        return;
    }
    std::snprintf(journal.path, sizeof journal.path, "%s", path);
    journal.children = 0;
    journal.child = true;
    journal.unopened = true;
    journal.file.close();
}

void open_journal_of_child() {
    OpenJournal& journal = open_journal();
    journal.unopened = false;
    const Settings& settings = runtime().settings();
    forget_places();
    journal.objects->clear();
    if (settings.replays) {
        journal.cursor.reset();
        journal.reader.reset();
        arena().rewind();
        journal.objects.emplace(&arena());
        // A child without a journal did nothing then that had to be written.
        if (access(journal.path, F_OK) != 0) {
            journaling = Journaling::off;
            return;
        }
        begin_replay(journal, settings);
    } else {
        begin_recording(journal, settings);
    }
}

}  // namespace escapement::preload
