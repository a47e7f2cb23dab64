#include "campaign_results.hpp"

#include "campaign_files.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace escapement::campaign {

namespace {

namespace fs = std::filesystem;

std::string cell_name(const Run& run) {
    return fmt::format("{:05}", run.cell);
}

std::string run_name(const Run& run) {
    return fmt::format("{:05}-{:07}", run.cell, run.number);
}

tl::expected<Plan, std::string> plan_at(const std::string& path) {
    const std::string file = path + "/plan.json";
    const auto text = get_file(file);
    if (!text) return tl::unexpected(text.error() + ": this is no directory of a campaign's results");
    return read_plan(*text, file);
}

}  // namespace

Results::Results(std::string path, Plan plan)
    : path_(std::move(path)), plan_(std::move(plan)), cells_(cells_of(plan_)) {}

tl::expected<Results, std::string> Results::at(const std::string& path) {
    std::error_code error;
    const std::string absolute = fs::absolute(path, error).lexically_normal().string();
    auto plan = plan_at(absolute);
    if (!plan) return tl::unexpected(plan.error());
    return Results(absolute, std::move(*plan));
}

tl::expected<Results, std::string> Results::of_plan(const std::string& path, const Plan& plan) {
    std::error_code error;
    std::string absolute = fs::absolute(path, error).lexically_normal().string();
    while (absolute.size() > 1 && absolute.back() == '/')
        absolute.pop_back();
    fs::create_directories(absolute, error);
    if (error)
        return tl::unexpected(fmt::format("cannot make the directory {}: {}", absolute, error.message()));
    Results results(absolute, plan);
    if (fs::exists(absolute + "/plan.json", error)) {
        const auto there = plan_at(absolute);
        if (!there) return tl::unexpected(there.error());
        if (const std::string differs = difference(*there, plan); !differs.empty())
            return tl::unexpected(
                fmt::format("{} has the results of another plan: {} there and in this one; give another "
                            "directory with -o, or the plan that it was begun with",
                            path, differs));
    } else if (!fs::is_empty(absolute, error) || error) {
        // What was killed before the plan was whole has left at most that.
        for (const auto& entry : fs::directory_iterator(absolute, error)) {
            if (entry.path().filename().string().rfind("plan.json.", 0) != 0 &&
                entry.path().filename() != "lock")
                return tl::unexpected(fmt::format(
                    "{} is no directory of a campaign's results, and is not empty: give another with -o",
                    path));
        }
    }
    std::vector<std::string> names{"runs", "references", "different", "work"};
    for (const Cell& cell : results.cells_)
        names.push_back(fmt::format("runs/{:05}", cell.number));
    error.clear();
    for (auto name = names.begin(); name != names.end() && !error; ++name)
        fs::create_directory(absolute + '/' + *name, error);
    if (error) return tl::unexpected(fmt::format("cannot make directories in {}: {}", path, error.message()));
    if (!fs::exists(absolute + "/plan.json", error)) {
        if (auto put = put_file(absolute + "/plan.json", write_plan(plan)); !put)
            return tl::unexpected(put.error());
    }
    return results;
}

std::string Results::file_of(const Run& run) const {
    return fmt::format("{}/runs/{}/{:07}.json", path_, cell_name(run), run.number);
}

tl::expected<std::vector<Record>, std::string> Results::records() const {
    std::vector<Record> records;
    std::error_code error;
    for (const Cell& cell : cells_) {
        std::set<std::string> files;  // in their order
        for (const auto& entry :
             fs::directory_iterator(fmt::format("{}/runs/{:05}", path_, cell.number), error)) {
            if (entry.path().extension() == ".json") files.insert(entry.path().string());
        }
        for (const std::string& file : files) {
            const auto text = get_file(file);
            if (!text) return tl::unexpected(text.error());
            auto record = read_record(*text);
            if (!record)
                return tl::unexpected(
                    fmt::format("{}: {}; remove it, and the run is made again", file, record.error()));
            if (file_of(record->run) != file)
                return tl::unexpected(fmt::format("{}: it is the result of another run; remove it", file));
            records.push_back(std::move(*record));
        }
    }
    return records;
}

tl::expected<void, std::string> Results::put(const Run& run, const std::string& text) const {
    return put_file(file_of(run), text);
}

void Results::forget(const Run& run) const {
    std::error_code ignored;
    fs::remove(file_of(run), ignored);
    fs::remove_all(path_ + "/different/" + run_name(run), ignored);
}

tl::expected<std::string, std::string> Results::make_work(const Run& run) const {
    std::string path = fmt::format("{}/work/{}-XXXXXX", path_, run_name(run));
    if (mkdtemp(path.data()) == nullptr)
        return tl::unexpected(
            fmt::format("cannot make a directory in {}/work: {}", path_, std::strerror(errno)));
    return path;
}

void Results::clear_work() const {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path_ + "/work", ignored))
        fs::remove_all(entry.path(), ignored);
    for (const Cell& cell : cells_) {
        for (const auto& entry :
             fs::directory_iterator(fmt::format("{}/runs/{:05}", path_, cell.number), ignored)) {
            if (entry.path().extension() == ".part") fs::remove(entry.path(), ignored);
        }
    }
}

std::string Results::reference_of(const Run& run) const {
    return path_ + "/references/" + cell_name(run);
}

tl::expected<bool, std::string> Results::make_reference(const Run& run, const std::string& directory) const {
    const std::string reference = reference_of(run);
    std::error_code error;
    if (fs::exists(reference, error)) return false;
    settle(directory);
    // A directory with something in it is never replaced: of two that finish at once, one is first.
    if (std::rename(directory.c_str(), reference.c_str()) == 0) return true;
    if (errno == ENOTEMPTY || errno == EEXIST) return false;
    return tl::unexpected(fmt::format("cannot make {}: {}", reference, std::strerror(errno)));
}

std::string Results::keep(const Run& run, const std::string& directory) const {
    std::error_code error;
    const std::string place = path_ + "/different/" + run_name(run);
    fs::remove_all(place, error);  // of the same run, killed before it was finished
    std::uint64_t kept = 0;
    for (const auto& entry : fs::directory_iterator(path_ + "/different", error))
        kept += entry.path().filename().string().rfind(cell_name(run) + '-', 0) == 0 ? 1 : 0;
    if (kept >= plan_.kept_differences) return {};
    return std::rename(directory.c_str(), place.c_str()) == 0 ? place : std::string();
}

std::string Results::shortage() const {
    constexpr std::uintmax_t needed = std::uintmax_t{1} << 20U;
    std::error_code error;
    const fs::space_info space = fs::space(path_, error);
    if (error || space.available >= needed) return {};
    return "no space is left for the runs' files in " + path_;
}

}  // namespace escapement::campaign
