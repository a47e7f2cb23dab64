#include "campaign_local.hpp"

#include "verify_progress.hpp"
#include "verify_result.hpp"

#include <escapement/memory.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace escapement::campaign {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// What is known of a cell's runs so far.
struct Tally {
    std::uint64_t complete = 0;
    std::uint64_t failed = 0;
    double seconds = 0;  ///< of all of them, replays too
    [[nodiscard]] bool given_up() const { return complete == 0 && failed >= most_failures; }
};

class Local {
  public:
    Local(const Results& results, const Commands& commands, const std::vector<Run>& runs,
          std::vector<Record> records, const std::vector<std::set<unsigned>>& slots,
          Interruption& interruption)
        : results_(results), commands_(commands), slots_(slots), interruption_(interruption) {
        std::set<Run> finished;
        for (const Record& record : records) {
            finished.insert(record.run);
            tell(record);
        }
        for (const Run& run : runs) {
            if (finished.contains(run)) {
                ++done_;
            } else {
                queue_.push_back(run);
                ++remaining_[run.cell];
            }
        }
        all_ = runs.size();
        end_.records = std::move(records);
    }

    LocalEnd run() {
        if (!queue_.empty()) {
            if (done_ > 0) note(fmt::format("{} of {} runs are there already", done_, all_));
            work();
        }
        end_.signal = interruption_.signal();
        return std::move(end_);
    }

  private:
    void work() {
        std::vector<std::thread> workers;
        const std::size_t jobs = std::min(slots_.size(), queue_.size());
        active_ = jobs;
        for (std::size_t slot = 0; slot < jobs; ++slot)
            workers.emplace_back([this, slot] { serve(slots_[slot]); });
        {
            std::unique_lock lock(mutex_);
            while (active_ > 0) {
                changed_.wait_for(lock, milliseconds{200});
                // Those that run see signals themselves; this is for those that wait for memory.
                if (interruption_.signal() != 0) changed_.notify_all();
                draw();
            }
        }
        for (std::thread& worker : workers)
            worker.join();
        erase();
    }

    void serve(const std::set<unsigned>& cpus) {
        while (const auto run = next()) {
            auto made = make_run(results_, commands_, *run, cpus, interruption_);
            const std::scoped_lock lock(mutex_);
            --running_;
            if (!made) {
                if (end_.trouble.empty()) end_.trouble = made.error();
            } else if (made->signal == 0) {
                finish(std::move(made->record));
            }
            changed_.notify_all();
        }
        const std::scoped_lock lock(mutex_);
        --active_;
        changed_.notify_all();
    }

    [[nodiscard]] bool going_on() const { return end_.trouble.empty() && interruption_.signal() == 0; }

    std::optional<Run> next() {
        std::unique_lock lock(mutex_);
        while (going_on() && !queue_.empty()) {
            if (tallies_[queue_.front().cell].given_up()) {
                --remaining_[queue_.front().cell];
                queue_.pop_front();
                ++end_.skipped;
                continue;
            }
            // What already runs may use more than was planned; what runs alone must not wait for ever.
            if (running_ > 0 && !memory_for_one()) {
                changed_.wait_for(lock, milliseconds{200});
                continue;
            }
            const Run run = queue_.front();
            queue_.pop_front();
            ++running_;
            return run;
        }
        return std::nullopt;
    }

    [[nodiscard]] bool memory_for_one() const {
        const std::uint64_t needed = results_.plan().limits.memory_mib << 20U;
        if (needed == 0) return true;
        const auto available = available_memory();
        return !available || *available >= needed;
    }

    void tell(const Record& record) {
        Tally& tally = tallies_[record.run.cell];
        ++(record.complete ? tally.complete : tally.failed);
        tally.seconds += record.wall.value_or(0) + record.replay_wall.value_or(0);
    }

    void finish(Record record) {
        ++done_;
        --remaining_[record.run.cell];
        tell(record);
        const Cell& cell = results_.cells()[record.run.cell - 1];
        const bool differs = record.complete && !cell.stock && record.cause;
        if (differs) ++differences_;
        const std::string name = fmt::format("{}, cell {}, run {}", results_.plan().guests[cell.guest].name,
                                             cell.number, record.run.number);
        if (!record.complete && tallies_[cell.number].failed <= most_failures && !record.failures.empty())
            note(fmt::format("{}: {}", name, record.failures.front()));
        // The first few of a cell say enough.
        if (differs && ++told_[cell.number] <= most_failures)
            note(fmt::format("{}: differs: {}", name, record.cause->why));
        if (tallies_[cell.number].given_up() && tallies_[cell.number].failed == most_failures)
            note(fmt::format("{}, cell {}: no run is complete, so no more are made",
                             results_.plan().guests[cell.guest].name, cell.number));
        end_.records.push_back(std::move(record));
    }

    [[nodiscard]] std::string state() const {
        std::map<std::size_t, double> means;
        for (const auto& [cell, tally] : tallies_) {
            if (tally.complete > 0) means[cell] = tally.seconds / static_cast<double>(tally.complete);
        }
        std::string text =
            fmt::format("{} of {} runs, {} at once, {} differ", done_, all_, running_, differences_);
        const double left = seconds_left(remaining_, means, std::min(slots_.size(), all_ - done_));
        if (left > 0) text += fmt::format(", about {} left", duration_text(left));
        return text;
    }

    void draw() {
        if (terminal_) {
            constexpr std::size_t width = 24;
            const std::size_t filled = all_ > 0 ? done_ * width / all_ : width;
            fmt::print(stderr, "\r[{}{}] {}\x1b[K", std::string(filled, '#'),
                       std::string(width - filled, '.'), state());
            std::fflush(stderr);
            drawn_ = true;
        } else if (steady_clock::now() - said_ >= std::chrono::seconds{10}) {
            note(state());
            said_ = steady_clock::now();
        }
    }

    void erase() {
        if (drawn_) fmt::print(stderr, "\r\x1b[K");
        drawn_ = false;
    }

    void note(const std::string& line) {
        erase();
        fmt::print(stderr, "{}\n", line);
    }

    const Results& results_;
    const Commands& commands_;
    const std::vector<std::set<unsigned>>& slots_;
    Interruption& interruption_;
    std::mutex mutex_;  ///< guards everything below
    std::condition_variable changed_;
    std::deque<Run> queue_;
    std::map<std::size_t, std::uint64_t> remaining_;
    std::map<std::size_t, Tally> tallies_;
    std::map<std::size_t, std::uint64_t> told_;
    std::size_t all_ = 0;
    std::size_t done_ = 0;
    std::size_t running_ = 0;
    std::size_t active_ = 0;
    std::uint64_t differences_ = 0;
    LocalEnd end_;
    bool terminal_ = verify::is_terminal(stderr);
    bool drawn_ = false;
    steady_clock::time_point said_ = steady_clock::now();
};

}  // namespace

double seconds_left(const std::map<std::size_t, std::uint64_t>& remaining,
                    const std::map<std::size_t, double>& means, std::size_t jobs) {
    double mean = 0;
    for (const auto& [cell, seconds] : means)
        mean += seconds / static_cast<double>(means.size());
    double left = 0;
    for (const auto& [cell, runs] : remaining) {
        const auto known = means.find(cell);
        left += static_cast<double>(runs) * (known == means.end() ? mean : known->second);
    }
    return left / static_cast<double>(std::max<std::size_t>(jobs, 1));
}

std::string duration_text(double seconds) {
    const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
    if (whole < 90) return fmt::format("{} s", std::max<std::uint64_t>(whole, 1));
    if (whole < 5400) return fmt::format("{} min", (whole + 30) / 60);
    return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

LocalEnd run_locally(const Results& results, const Commands& commands, const std::vector<Run>& runs,
                     std::vector<Record> records, const std::vector<std::set<unsigned>>& slots,
                     Interruption& interruption) {
    return Local(results, commands, runs, std::move(records), slots, interruption).run();
}

}  // namespace escapement::campaign
