#include "verify_plan.hpp"

#include "verify_consoles.hpp"

#include <catch2/catch.hpp>

using namespace escapement::verify;
using Strings = std::vector<std::string>;

namespace {
const Places places{.directory = "/t/run-1", .artifact = "/t/run-1/artifact"};
}

TEST_CASE("placeholders are replaced anywhere and as often as they occur") {
    CHECK(fill_in("{}", places) == "/t/run-1/artifact");
    CHECK(fill_in("shift=7,rr=record,rrfile={}", places) == "shift=7,rr=record,rrfile=/t/run-1/artifact");
    CHECK(fill_in("{}{}", places) == "/t/run-1/artifact/t/run-1/artifact");
    CHECK(fill_in("cp {} {dir}/copy", places) == "cp /t/run-1/artifact /t/run-1/copy");
    CHECK(fill_in("", places).empty());
    CHECK(fill_in("{ } {d} {dir {", places) == "{ } {d} {dir {");
    CHECK(fill_in(Strings{"a", "{}"}, places) == Strings{"a", "/t/run-1/artifact"});
}

TEST_CASE("a path that looks like a placeholder is not replaced again") {
    CHECK(fill_in("{} {dir}", {.directory = "/t/{}", .artifact = "/t/{dir}"}) == "/t/{dir} /t/{}");
}

TEST_CASE("a recording's command becomes its replay's") {
    CHECK(as_replay({"q", "-icount", "shift=7,rr=record,rrfile={}"}) ==
          Strings{"q", "-icount", "shift=7,rr=replay,rrfile={}"});
    CHECK(as_replay({"sh", "-c", "q -icount rr=record,rrfile={}"}) ==
          Strings{"sh", "-c", "q -icount rr=replay,rrfile={}"});
    CHECK(as_replay({"rr=record"}) == Strings{"rr=replay"});
    CHECK_FALSE(as_replay({"q", "-icount", "shift=7"}));
    CHECK_FALSE(as_replay({"q", "xrr=record", "rr=recorder", "rr=record-me"}));
}

TEST_CASE("the files that a QEMU's serial ports write become every run's own") {
    const Consoles consoles =
        redirect_consoles({"q", "-serial", "file:boot.txt", "--serial", "file:/x/second"});
    CHECK(consoles.command ==
          Strings{"q", "-serial", "file:{dir}/console", "--serial", "file:{dir}/console-2"});
    CHECK(consoles.files == Strings{"{dir}/console", "{dir}/console-2"});
    CHECK_FALSE(consoles.on_output);
    REQUIRE(consoles.notes.size() == 2);
    CHECK(consoles.notes[0] == "the console boot.txt goes to every run's own directory instead");
}

TEST_CASE("character devices are consoles too") {
    const Consoles consoles =
        redirect_consoles({"q", "-chardev", "file,id=a,,b,path=x,,y,append=on", "-chardev",
                           "socket,id=s,path=/run/socket,logfile=log", "-device", "isa-serial,chardev=a,,b"});
    CHECK(consoles.command == Strings{"q", "-chardev", "file,id=a,,b,path={dir}/console,append=on",
                                      "-chardev", "socket,id=s,path=/run/socket,logfile={dir}/console-2",
                                      "-device", "isa-serial,chardev=a,,b"});
    CHECK(consoles.files == Strings{"{dir}/console", "{dir}/console-2"});
}

TEST_CASE("a console that is in the run's directory already stays where it is") {
    const Consoles consoles = redirect_consoles({"q", "-serial", "file:{dir}/boot.txt"});
    CHECK(consoles.command == Strings{"q", "-serial", "file:{dir}/boot.txt"});
    CHECK(consoles.files == Strings{"{dir}/boot.txt"});
    CHECK(consoles.notes.empty());
}

TEST_CASE("a console that is named after the artifact would be overwritten by the replay") {
    CHECK(redirect_consoles({"q", "-serial", "file:{}.txt"}).command ==
          Strings{"q", "-serial", "file:{dir}/console"});
}

TEST_CASE("a serial port on standard output makes that the console") {
    CHECK(redirect_consoles({"q", "-serial", "stdio"}).on_output);
    CHECK(redirect_consoles({"q", "-serial", "mon:stdio"}).on_output);
    CHECK(redirect_consoles({"q", "-chardev", "stdio,id=c,mux=on"}).on_output);
    CHECK(redirect_consoles({"q", "-nographic"}).on_output);
    CHECK_FALSE(redirect_consoles({"q", "-nographic", "-serial", "null"}).on_output);
    CHECK_FALSE(redirect_consoles({"q", "-monitor", "stdio"}).on_output);
    CHECK_FALSE(redirect_consoles({"q", "-serial"}).on_output);
}

TEST_CASE("devices are nobody's console file") {
    const Consoles consoles = redirect_consoles({"q", "-serial", "file:/dev/null", "-serial", "pty"});
    CHECK(consoles.command == Strings{"q", "-serial", "file:/dev/null", "-serial", "pty"});
    CHECK(consoles.files.empty());
}

TEST_CASE("a plan knows what can be compared") {
    const auto plan = make_plan({"q", "-serial", "stdio", "-icount", "rr=record,rrfile={}"}, {});
    REQUIRE(plan);
    CHECK(plan->has_artifact);
    CHECK(plan->console_on_output);
    CHECK(plan->replay == Strings{"q", "-serial", "stdio", "-icount", "rr=replay,rrfile={}"});

    const auto console_only = make_plan({"q", "-serial", "file:x"}, {});
    REQUIRE(console_only);
    CHECK_FALSE(console_only->has_artifact);
    CHECK(console_only->replay.empty());

    const auto nothing = make_plan({"true"}, {});
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().find("put {} into COMMAND") != std::string::npos);
}

TEST_CASE("consoles that the user names must be a run's own, and replace the search") {
    CHECK_FALSE(make_plan({"p", "{}"}, {"console.txt"}));
    const auto plan = make_plan({"p", "{}", "-serial", "file:x"}, {"{dir}/c"});
    REQUIRE(plan);
    CHECK(plan->record == Strings{"p", "{}", "-serial", "file:x"});
    CHECK(plan->consoles == Strings{"{dir}/c"});
}

TEST_CASE("a comma in a path would end the value of a QEMU option") {
    CHECK_FALSE(split_by_comma({"q", "rrfile={}"}, "/tmp/x"));
    CHECK_FALSE(split_by_comma({"q", "{}"}, "/tmp/a,b"));
    CHECK(split_by_comma({"q", "rrfile={}"}, "/tmp/a,b") == "rrfile={}");
}

TEST_CASE("every way to run has its argument list") {
    const Settings settings{{"policy", "counted"}, {"seed", "7"}};
    CHECK(arguments_for(Mode::stock, {"q", "-x"}, settings, "/bin/e", "/t/s") == Strings{"q", "-x"});
    CHECK(arguments_for(Mode::ordered, {"q", "-x"}, settings, "/bin/e", "/t/s") ==
          Strings{"/bin/e", "run", "--policy=counted", "--seed=7", "--stats=/t/s", "--", "q", "-x"});
    CHECK(arguments_for(Mode::ticktock, {"q"}, settings, "/bin/e", "/t/s") ==
          Strings{"/bin/e", "run", "--seed=7", "--policy=ticktock", "--stats=/t/s", "--", "q"});
}

TEST_CASE("a group of runs is called after its policy") {
    CHECK(name_of(Mode::ordered, {}) == "counted");
    CHECK(name_of(Mode::ordered, {{"policy", "free"}}) == "free");
    CHECK(name_of(Mode::stock, {{"policy", "free"}}) == "stock");
    CHECK(name_of(Mode::ticktock, {}) == "tick-tock");
}
