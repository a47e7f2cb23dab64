// The exit statuses of `log` and `diff`, which scripts rely on.

#include "commands.hpp"
#include "log_files.hpp"
#include "qemu_log_builder.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace escapement;
using test::QemuLogBuilder;

namespace {

namespace fs = std::filesystem;

/// A folder with logs in it, removed at the end.
class Logs {
  public:
    Logs() : folder_(fs::temp_directory_path() / ("escapement-logs-" + std::to_string(::getpid()))) {
        fs::create_directories(folder_);
    }
    ~Logs() {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    Logs(const Logs&) = delete;
    Logs& operator=(const Logs&) = delete;

    std::string add(const std::string& name, const QemuLogBuilder& log) {
        std::ofstream file(folder_ / name, std::ios::binary);
        const auto& bytes = log.bytes();
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return folder_ / name;
    }
    [[nodiscard]] std::string missing() const { return folder_ / "missing"; }

  private:
    fs::path folder_;
};

int run(std::vector<std::string> arguments) {
    CLI::App app;
    int status = -1;
    command::add_log(app, status);
    command::add_diff(app, status);
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(std::move(reversed));
    return status;
}

}  // namespace

TEST_CASE("log and diff exit as their help says", "[divergence][commands]") {
    Logs logs;
    const std::string one = logs.add("one", QemuLogBuilder().instructions(5).random("abc").end());
    const std::string same = logs.add("same", QemuLogBuilder().instructions(5).random("abc").end());
    const std::string other = logs.add("other", QemuLogBuilder().instructions(5).random("abd").end());
    const std::string killed = logs.add("killed", QemuLogBuilder(0).instructions(5));
    const std::string old = logs.add("old", QemuLogBuilder(0xe02001).end());

    CHECK(run({"log", one}) == 0);
    CHECK(run({"log", one, "--json", "--from", "1", "--limit", "1"}) == 0);
    CHECK(run({"log", one, "--histogram"}) == 0);
    CHECK(run({"log", killed}) == 2);
    CHECK(run({"log", old}) == 2);
    CHECK(run({"log", logs.missing()}) == 2);

    CHECK(run({"diff", one, same}) == 0);
    CHECK(run({"diff", one, other}) == 1);
    CHECK(run({"diff", one, other, "--json", "--context", "1"}) == 1);
    CHECK(run({"diff", one, killed}) == 2);
    CHECK(run({"diff", one, old}) == 2);
    CHECK(run({"diff", one, logs.missing()}) == 2);
}

TEST_CASE("JSON holds whatever bytes a name has", "[divergence][commands]") {
    const std::string text =
        command::dump(command::to_json(QemuLogError{QemuLogError::Kind::damaged, "\xff\x1b", 7, "", ""}));
    const auto json = nlohmann::json::parse(text);
    CHECK(json["kind"] == "damaged");
    CHECK(json["offset"] == 7);
}
