#include "version.hpp"

#include <escapement/host_facts.hpp>

#include <fmt/format.h>
#include <revision.hpp>
#include <sys/utsname.h>

#include <string_view>

namespace escapement::command {

std::string version() {
    const HostFacts facts = read_host_facts();
    utsname system{};
    ::uname(&system);
    std::string text = "escapement " ESCAPEMENT_VERSION "\n";
    // Empty where the sources are not those of a repository.
    constexpr std::string_view revision = ESCAPEMENT_REVISION;
    if (!revision.empty()) text += fmt::format("revision: {}\n", revision);
    text += fmt::format("built with: {}\n", ESCAPEMENT_BUILD);
    text += fmt::format("host: {} {} {}, {}", system.sysname, system.release, system.machine,
                        facts.cpu_name.empty() ? "processor unknown" : facts.cpu_name);
    if (facts.virtual_machine) {
        text += ", a virtual machine";
        if (!facts.hypervisor.empty()) text += fmt::format(" ({})", facts.hypervisor);
    }
    return text;
}

}  // namespace escapement::command
