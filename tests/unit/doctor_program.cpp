// What the doctor, and `run` with it, concludes from a program's file.
#include "doctor.hpp"
#include "doctor_files.hpp"
#include "program.hpp"

#include <catch2/catch.hpp>
#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

using namespace escapement::command;
using State = Finding::State;
using Catch::Contains;

namespace {

std::string bytes_of(const auto& structure) {
    return {reinterpret_cast<const char*>(&structure), sizeof structure};
}

/// A program of this processor that consists of headers: it is loaded whole, and by a loader if it has one.
struct SmallProgram {
    Elf64_Ehdr header{};
    Elf64_Phdr segments[2]{};
    std::string loader;

    explicit SmallProgram(const std::string& its_loader = "/proc/self/exe") : loader(its_loader + '\0') {
        std::ifstream self("/proc/self/exe", std::ios::binary);
        REQUIRE(self.read(reinterpret_cast<char*>(&header), sizeof header));
        header.e_phoff = sizeof header;
        header.e_phnum = its_loader.empty() ? 1 : 2;
        header.e_shoff = 0;
        header.e_shnum = header.e_shstrndx = 0;
        segments[0].p_type = PT_LOAD;
        segments[0].p_filesz = sizeof header + sizeof segments + loader.size();
        segments[1].p_type = PT_INTERP;
        segments[1].p_offset = sizeof header + sizeof segments;
        segments[1].p_filesz = loader.size();
    }
    [[nodiscard]] std::string bytes() const { return bytes_of(header) + bytes_of(segments) + loader; }
};

/// The finding "can be ordered", of a program that is found.
Finding verdict(const std::vector<std::string>& words) {
    const auto findings = examine_command(read_command(words));
    const auto at = std::find_if(findings.begin(), findings.end(),
                                 [](const Finding& finding) { return finding.name == "can be ordered"; });
    REQUIRE(at != findings.end());
    // `run` must say the same; it does not look beyond env(1).
    const auto possible = check_can_be_ordered(words.front());
    CHECK(possible.has_value() == (at->state != State::bad));
    return *at;
}

void expect_refused(const std::string& program, const std::string& why) {
    const Finding finding = verdict({program});
    CAPTURE(finding.value);
    CHECK(finding.state == State::bad);
    CHECK_THAT(finding.value, Catch::StartsWith("no: ") && Contains(why));
}

}  // namespace

TEST_CASE("doctor: a program is what its headers say") {
    DoctorFiles files;
    CHECK(verdict({files.program("good", SmallProgram().bytes())}).state == State::ok);
    CHECK(verdict({"/proc/self/exe"}).state == State::ok);
    expect_refused(files.program("static", SmallProgram("").bytes()), "is statically linked");
    expect_refused(files.program("no-loader", SmallProgram("/no/loader.so").bytes()),
                   "the loader /no/loader.so");
    const std::string musl = files.program("ld-musl-x86_64.so.1", SmallProgram("").bytes());
    expect_refused(files.program("musl", SmallProgram(musl).bytes()), "of another C library than GNU's");
    SmallProgram narrow;
    narrow.header.e_ident[EI_CLASS] = ELFCLASS32;
    expect_refused(files.program("narrow", narrow.bytes()), "for 32 bits");
    SmallProgram foreign;
    foreign.header.e_machine = EM_S390;
    expect_refused(files.program("foreign", foreign.bytes()), "another processor");
    expect_refused(files.program("text", "hello\n"), "neither an ELF program nor a script");
    expect_refused(files.program("empty", ""), "neither an ELF program nor a script");
}

TEST_CASE("doctor: files that were cut or lie are damaged") {
    DoctorFiles files;
    const std::string whole = SmallProgram().bytes();
    for (std::size_t size = 4; size < whole.size(); ++size)
        expect_refused(files.program("cut", whole.substr(0, size)), "is damaged: ");
    const auto lying = [&](auto change) {
        SmallProgram program;
        change(program);
        expect_refused(files.program("lying", program.bytes()), "is damaged: ");
    };
    lying([](SmallProgram& program) { program.header.e_phoff = ~0ULL; });
    lying([](SmallProgram& program) { program.header.e_phnum = 0; });
    lying([](SmallProgram& program) { program.header.e_phnum = 0xffff; });
    lying([](SmallProgram& program) { program.header.e_phentsize = 1; });
    lying([](SmallProgram& program) { program.header.e_type = ET_REL; });
    lying([](SmallProgram& program) { program.header.e_machine = EM_NONE; });
    lying([](SmallProgram& program) { program.header.e_ident[EI_CLASS] = 7; });
    lying([](SmallProgram& program) { program.segments[0].p_filesz = ~0ULL; });
    lying([](SmallProgram& program) { program.segments[0].p_type = PT_NULL; });
    lying([](SmallProgram& program) { program.segments[1].p_offset = ~0ULL - 3; });
    lying([](SmallProgram& program) { program.segments[1].p_filesz = 3; });
    // Sections are not needed to run it: lies there are passed over.
    SmallProgram sections;
    sections.header.e_shoff = 64;
    sections.header.e_shnum = sections.header.e_shstrndx = 0xfffe;
    CHECK(verdict({files.program("qemu-system-x", sections.bytes())}).state == State::ok);
}

TEST_CASE("doctor: a huge file of nothing takes no time") {
    DoctorFiles files;
    SmallProgram program;
    program.header.e_shentsize = sizeof(Elf64_Shdr);
    program.header.e_shoff = 4096;
    program.header.e_shnum = 0xfffe;
    const std::string path = files.program("qemu-system-sparse", program.bytes());
    std::filesystem::resize_file(path, std::uintmax_t{1} << 30U);
    CHECK(verdict({path}).state == State::ok);
    expect_refused(files.program("zeros", std::string(64, '\0')), "neither an ELF");
}

TEST_CASE("doctor: scripts are what their interpreters are") {
    DoctorFiles files;
    const std::string good = files.program("good", SmallProgram().bytes());
    const std::string fixed = files.program("fixed", SmallProgram("").bytes());
    const std::string script = files.program("script", "#! " + good + " -x\n");
    CHECK(verdict({files.program("chain", "#!" + script + "\n")}).state == State::ok);
    expect_refused(files.program("static", "#!" + fixed + "\n"), "is statically linked");
    expect_refused(files.program("loop", "#!" + files.path("loop") + "\n"), "the system gives up");
    expect_refused(files.program("lost", "#!/no/interpreter\n"), "/no/interpreter");
    expect_refused(files.program("returns", "#!" + good + "\r\n"), "carriage return");
    expect_refused(files.program("blank", "#! \n"), "neither an ELF program nor a script");
    // What env(1) starts is beyond what `run` looks at.
    const auto found = read_command({files.program("by-env", "#!/usr/bin/env " + fixed + "\n")});
    CHECK_THAT(found.refused, Contains("is statically linked"));
}

TEST_CASE("doctor: what the system preloads nothing into is bad") {
    CommandFacts command{.words = {"/x"}, .as_root = false};
    ProgramFacts facts = read_program("/proc/self/exe");
    facts.capabilities = true;
    CHECK(judge_program("/x", facts, true));
    const auto possible = judge_program("/x", facts, false);
    REQUIRE_FALSE(possible);
    CHECK_THAT(possible.error().reason, Contains("has file capabilities"));
    command.refused = possible.error().reason;
    command.programs.push_back({"/x", facts});
    const auto findings = examine_command(command);
    const auto bad = std::count_if(findings.begin(), findings.end(),
                                   [](const Finding& finding) { return finding.state == State::bad; });
    CHECK(bad == 2);
    CHECK_THAT(findings.back().remedy, Contains("setcap -r /x"));
    CHECK_FALSE(conclude({}, &command, findings).ordered);

    if (geteuid() != 0) {
        WARN("only root can make a set-uid program of another user: the rest is skipped");
        return;
    }
    DoctorFiles files;
    const std::string path = files.program("set-uid", SmallProgram().bytes());
    REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
    REQUIRE(chmod(path.c_str(), 04755) == 0);
    expect_refused(path, "set-uid");
    // The bit means nothing on a script.
    const std::string script = files.program("script", "#!/proc/self/exe\n");
    REQUIRE(chown(script.c_str(), 65534, 65534) == 0);
    REQUIRE(chmod(script.c_str(), 04755) == 0);
    CHECK(verdict({script}).state == State::ok);
}

TEST_CASE("doctor: Go's programs are known by their sections") {
    DoctorFiles files;
    SmallProgram program;
    const std::string names = std::string("\0.go.buildinfo\0", 15);
    Elf64_Shdr sections[2]{};
    sections[0].sh_offset = program.bytes().size();
    sections[0].sh_size = names.size();
    sections[1].sh_name = 1;
    program.header.e_shentsize = sizeof(Elf64_Shdr);
    program.header.e_shoff = program.bytes().size() + names.size();
    program.header.e_shnum = 2;
    program.header.e_shstrndx = 0;
    const auto findings =
        examine_command(read_command({files.program("go", program.bytes() + names + bytes_of(sections))}));
    CHECK(findings.back().name == "Go");
    CHECK(findings.back().state == State::warning);
}
