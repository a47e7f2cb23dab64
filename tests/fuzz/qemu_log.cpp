// Whatever bytes a log holds, reading, describing and comparing it ends well, and both ways of reading agree.
// The input is one log, or two behind each other: its first two bytes tell where the second begins.

#include <escapement/divergence.hpp>
#include <escapement/qemu_log.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

namespace {

using namespace escapement;

void demand(bool truth) {
    if (!truth) std::abort();
}

void read(std::span<const std::byte> log) {
    const auto summary = summarize_qemu_log(log, "fuzz");
    auto reader = QemuLogReader::open(log, "fuzz");
    demand(summary.has_value() == reader.has_value());
    if (!reader) {
        demand(!reader.error().text().empty() && reader.error().offset <= log.size());
        return;
    }
    QemuEvent event;
    std::uint64_t events = 0;
    std::uint64_t place = 12;
    std::uint64_t icount = 0;
    while (reader->next(event)) {
        demand(event.index == events++ && event.offset == place && event.icount >= icount);
        icount = event.icount;
        place += 1 + event.payload.size();
        demand(place <= log.size());
        for (const char letter : describe_payload(event))
            demand(letter >= 0x20 && letter < 0x7f);
    }
    demand(!reader->next(event));
    demand(summary->events == events && summary->icount == icount && summary->bytes == place);
    demand(summary->trouble.has_value() == reader->trouble().has_value());
    if (reader->trouble()) {
        demand(reader->trouble()->offset <= log.size() && !reader->trouble()->text().empty());
    } else {
        demand(place == log.size());
    }
}

void compare(std::span<const std::byte> a, std::span<const std::byte> b) {
    const auto divergence = compare_qemu_logs(a, "a", b, "b", {.context = 3});
    if (!divergence) return;
    const bool equal = a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
    if (divergence->identical()) demand(equal);
    if (equal) demand(divergence->first() == nullptr);
    for (const auto* difference : {&divergence->by_kind, &divergence->by_payload}) {
        if (!*difference) continue;
        demand((*difference)->position < (*difference)->context.size() && !(*difference)->why.empty());
        demand((*difference)->context.size() <= 7);
        for (const EventPair& pair : (*difference)->context) {
            demand(pair.a || pair.b);
            if (pair.a) static_cast<void>(describe_payload(*pair.a));
        }
    }
    if (divergence->by_kind && divergence->by_payload)
        demand(divergence->by_payload->index < divergence->by_kind->index);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
    if (size < 2) return 0;
    const auto log = bytes.subspan(2);
    const std::size_t cut = (std::size_t{data[0]} << 8 | data[1]) % (log.size() + 1);
    read(log);
    read(log.subspan(cut));
    compare(log, log);
    compare(log.first(cut), log.subspan(cut));
    compare(log, log.subspan(cut));
    return 0;
}
