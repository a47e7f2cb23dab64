// Whatever a profile's text is, reading it ends well; and what is read is written and read again as the same.
// Also what follows from it: the verdict and drift of any profile that can be read.

#include <escapement/calibration.hpp>

#include <cstdint>
#include <cstdlib>

namespace {

using namespace escapement;

void demand(bool truth) {
    if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto profile = read_profile(text, "fuzz");
    if (!profile) {
        demand(profile.error().rfind("fuzz:", 0) == 0 && profile.error().size() > 6);
        for (const char letter : profile.error())
            demand(static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7f);
        return 0;
    }
    const auto again = read_profile(write_profile(*profile), "fuzz");
    demand(again && *again == *profile);
    demand(drift(*profile, *again).facts.empty());
    for (const CoreProfile& core : profile->cores) {
        const Verdict verdict = conclude(core);
        demand(verdict.clock.has_value() == (verdict.fitness != Verdict::Fitness::nothing));
        demand(verdict.alarm.has_value() == (verdict.fitness == Verdict::Fitness::boundaries));
        if (!verdict.alarm) continue;
        for (const EventFinding& event : core.events) {
            if (event.name != verdict.clock->name) continue;
            for (const LoadFinding& load : event.loads) {
                for (const SkidFinding& skid : load.skids)
                    demand(skid.alarm != verdict.alarm->name ||
                           (skid.lost == 0 && skid.most <= verdict.margin));
            }
        }
    }
    return 0;
}
