// The reference emulator: a small machine whose threads are put in order by the library, through its C
// interface.
//
//     emulator --guest timer --policy counted --mode parallel --log FILE
//
// This file reads the command line, makes the domain, admits the threads in a fixed order, starts them, and
// is the main loop's thread itself. README, "The reference emulator", walks through it.

#include "machine.hpp"
#include "serial_line.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

namespace emulator {

namespace {

constexpr std::uint32_t load_address = 0x1000;
constexpr std::uint32_t header_size = 4;
constexpr std::size_t most_program = 0x80000;

struct Settings {
    int policy = ESCAPEMENT_COUNTED;
    int mode = ESCAPEMENT_AUTO;
    std::uint64_t seed = 0;
    std::string guest, disk, log, journal, replay;
    std::string serial = "stdio";
    unsigned workers = 3;
    unsigned disturb = 0;
    bool statistics = false;
};

[[noreturn]] void stalled(void* /*context*/, const char* report) {
    fail(trouble, report);
}

[[noreturn]] void misused(void* /*context*/, const char* function, int status) {
    fail(trouble, function, ": ", escapement_message(status));
}

escapement_domain* make_domain(const Settings& settings) {
    escapement_options options;
    escapement_options_init(&options);
    options.policy = settings.policy;
    options.mode = settings.mode;
    options.seed = settings.seed;
    options.record = settings.journal.empty() ? nullptr : settings.journal.c_str();
    options.replay = settings.replay.empty() ? nullptr : settings.replay.c_str();
    options.on_stall = stalled;
    options.on_misuse = misused;
    escapement_domain* domain = nullptr;
    if (const int status = escapement_domain_create(&options, &domain); status != ESCAPEMENT_OK) {
        fail(wrong_usage, "the domain cannot be made as asked: ", escapement_message(status));
    }
    return domain;
}

/// Threads of the domain, each with its place in it. Their numbers are the order in which they are added.
class Crew {
  public:
    explicit Crew(escapement_domain* domain) : domain_(domain) {}

    void add(const std::string& role, std::function<void()> work) {
        escapement_participant* place = nullptr;
        check(escapement_admit(domain_, role.c_str(), &place));
        places_.push_back(place);
        work_.push_back(std::move(work));
    }
    /// Runs all, the first one in the calling thread, to their ends.
    void run() {
        std::vector<std::thread> threads;
        for (std::size_t index = 1; index < places_.size(); ++index) {
            threads.emplace_back([this, index] {
                check(escapement_enter(places_[index]));
                work_[index]();
                check(escapement_leave(places_[index]));
            });
        }
        check(escapement_enter(places_[0]));
        work_[0]();
        // In the order as well: who ends when is part of what is the same every time.
        for (std::size_t index = 1; index < places_.size(); ++index)
            check(escapement_join(places_[index]));
        check(escapement_leave(places_[0]));
        for (std::thread& each : threads)
            each.join();
    }

  private:
    escapement_domain* domain_;
    std::vector<escapement_participant*> places_;
    std::vector<std::function<void()>> work_;
};

/// Loads a program as guests/machine.inc describes it; returns where it begins.
std::uint32_t load(const std::string& guest, Machine& machine) {
    const bool is_name = guest.find_first_of("/.") == std::string::npos;
    const std::string path = is_name ? EMULATOR_GUESTS "/" + guest + ".bin" : guest;
    std::ifstream file(path, std::ios::binary);
    if (!file) fail(wrong_usage, "cannot open the guest ", path, ": ", std::strerror(errno));
    const std::vector<char> program{std::istreambuf_iterator<char>(file), {}};
    std::uint32_t cpus = 0;
    if (program.size() > header_size) std::memcpy(&cpus, program.data(), header_size);
    if (cpus < 1 || cpus > 2 || program.size() > most_program) {
        fail(wrong_usage, "the guest ", path,
             " is none: it must begin with its number of CPUs, 1 or 2, and have at most ", most_program,
             " bytes");
    }
    std::memcpy(machine.memory.data() + load_address, program.data(), program.size());
    machine.cpus.resize(cpus);
    return load_address + header_size;
}

void print_statistics(escapement_domain* domain) {
    escapement_statistics known{};
    known.size = sizeof known;
    check(escapement_domain_statistics(domain, &known));
    std::cerr << "emulator: " << known.operations << " operations, " << known.waits << " waits, "
              << known.sleeps << " sleeps, " << known.boundaries << " boundaries, " << known.jumps
              << " jumps\n";
}

int run(const Settings& settings) {
    Disturbance::set(settings.disturb);
    Disk disk(settings.disk);
    SerialLine line(settings.serial);
    escapement_domain* const domain = make_domain(settings);
    int exit_status = 0;
    {
        Machine machine(domain, settings.log, disk, line.output());
        const std::uint32_t entry = load(settings.guest, machine);
        Crew crew(domain);
        crew.add("main", [&] { run_main_loop(machine); });
        crew.add("cpus", [&] { run_cpus(machine, entry); });
        crew.add("console", [&] { run_console(machine, line.input()); });
        for (unsigned worker = 0; worker < settings.workers; ++worker) {
            crew.add("disk " + std::to_string(worker),
                     [&machine, worker] { run_disk_worker(machine, worker); });
        }
        crew.add("reclaimer", [&] { run_reclaimer(machine); });
        crew.run();
        exit_status = machine.exit_status;
        if (settings.statistics) print_statistics(domain);
    }
    check(escapement_domain_destroy(domain));
    return exit_status;
}

}  // namespace

}  // namespace emulator

int main(int argc, char** argv) try {
    emulator::Settings settings;
    CLI::App app("A small machine whose threads escapement puts in order.", "emulator");
    const std::map<std::string, int> policies{
        {"counted", ESCAPEMENT_COUNTED}, {"ticktock", ESCAPEMENT_TICKTOCK}, {"free", ESCAPEMENT_FREE}};
    const std::map<std::string, int> modes{
        {"auto", ESCAPEMENT_AUTO}, {"serial", ESCAPEMENT_SERIAL}, {"parallel", ESCAPEMENT_PARALLEL}};
    app.add_option("--guest", settings.guest, "program to run: compute, timer, disk, echo, shared, or a file")
        ->required();
    app.add_option("--policy", settings.policy, "who goes first")
        ->transform(CLI::CheckedTransformer(policies));
    app.add_option("--mode", settings.mode, "one thread at a time, or all at once")
        ->transform(CLI::CheckedTransformer(modes));
    app.add_option("--seed", settings.seed, "of the disk's seek times");
    app.add_option("--disk", settings.disk, "file that is the disk");
    app.add_option("--workers", settings.workers, "threads that serve the disk")->check(CLI::Range(1, 16));
    app.add_option("--serial", settings.serial, "stdio, or socket:PATH, which waits for somebody to connect");
    app.add_option("--log", settings.log, "file for the machine's events");
    auto* const journal = app.add_option("--journal", settings.journal, "file to record the domain to");
    app.add_option("--replay", settings.replay, "journal to follow")->excludes(journal);
    app.add_option("--disturb", settings.disturb,
                   "longest of the random sleeps in all threads, in microseconds");
    app.add_flag("--statistics", settings.statistics, "at the end, on standard error");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        emulator::fail(emulator::wrong_usage, error.what(), " (see --help)");
    }
    // Nobody at the other end of the line any more: told by write(), in one line.
    std::signal(SIGPIPE, SIG_IGN);
    return emulator::run(settings);
} catch (const std::exception& error) {
    std::fputs("emulator: ", stderr);
    std::fputs(error.what(), stderr);
    std::fputs("\n", stderr);
    return emulator::trouble;
}
