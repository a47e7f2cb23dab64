// Numbers on the command line are what is written there, or refused.

#include "subcommands.hpp"

#include <catch2/catch.hpp>

namespace escapement::command {

namespace {

/// Thrown when all is read, before anything is done.
struct Parsed {};

/// Reads the words without doing what they say; what is wrong with them, or nothing.
std::string wrong_with(std::vector<std::string> words, std::uint64_t* number = nullptr) {
    const Command none;
    int status = 0;
    CLI::App app;
    add_subcommands(app, none, status);
    app.parse_complete_callback([] { throw Parsed(); });
    std::reverse(words.begin(), words.end());
    try {
        app.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        return error.what();
    } catch (const Parsed&) {
    }
    if (number != nullptr) *number = app.get_subcommand("run")->get_option("--seed")->as<std::uint64_t>();
    return {};
}

}  // namespace

TEST_CASE("whole numbers are taken as they are written, or refused") {
    std::uint64_t seed = 0;
    for (const auto& [text, value] : {std::pair<const char*, std::uint64_t>{"7", 7},
                                      {"010", 10},
                                      {"18446744073709551615", ~std::uint64_t{0}}}) {
        CAPTURE(text);
        CHECK(wrong_with({"run", std::string("--seed=") + text}, &seed).empty());
        CHECK(seed == value);
    }
    for (const char* const text : {"-1", " -1", "+1", "0x10", "1e3", "1 ", "18446744073709551616"}) {
        CAPTURE(text);
        CHECK(wrong_with({"run", std::string("--seed=") + text}) != wrong_with({"run", "--seed=1"}));
        CHECK_FALSE(wrong_with({"log", std::string("--limit=") + text, "file"}).empty());
        CHECK_FALSE(wrong_with({"trace", std::string("--from=") + text, "file", "-o-"}).empty());
        CHECK_FALSE(wrong_with({"verify", std::string("--runs=") + text}).empty());
    }
    CHECK(wrong_with({"run", "--seed=-1"}) == "--seed: '-1' is no whole number");
}

TEST_CASE("numbers that no range can hold are refused") {
    for (const char* const text : {"nan", "inf", "1e999", "0x1p3", "", "3s"}) {
        CAPTURE(text);
        CHECK_FALSE(wrong_with({"verify", std::string("--timeout=") + text}).empty());
        CHECK_FALSE(wrong_with({"calibrate", "--thorough", std::string("--confidence=") + text}).empty());
    }
    CHECK(wrong_with({"verify", "--timeout=30.5"}).empty());
    CHECK(wrong_with({"calibrate", "--thorough", "--confidence=0.99"}).empty());
}

}  // namespace escapement::command
