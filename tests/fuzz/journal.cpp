// Whatever bytes a journal holds, reading, replaying and comparing it ends well. The checksums are put right
// first, so that what lies behind them is reached: the first byte says whether.

#include "journal/format.hpp"
#include "reused_memory.hpp"

#include <escapement/journal.hpp>
#include <escapement/journal_divergence.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace {

using namespace escapement;

void demand(bool truth) {
    if (!truth) std::abort();
}

struct Bytes final : JournalSource {
    explicit Bytes(std::span<const std::byte> all) : bytes(all) {}
    Read read(std::span<std::byte> to) noexcept override {
        const std::size_t size = std::min(to.size(), bytes.size() - at);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, to.begin());
        at += size;
        return {.size = size, .error = 0};
    }
    bool rewind() noexcept override {
        at = 0;
        return true;
    }
    std::span<const std::byte> bytes;
    std::size_t at = 0;
};

/// As far as the lengths in it make sense.
void put_checksums_right(std::span<std::byte> file) {
    using namespace journal;
    std::uint64_t sum = 0;
    std::size_t begin = 0;
    std::size_t length_at = 12;
    std::size_t head = header_begin_size;
    while (file.size() - begin >= head) {
        const std::size_t size = head + get_fixed<std::uint32_t>(&file[begin + length_at]);
        if (file.size() - begin < size + checksum_size) return;
        sum = checksum_of(file.subspan(begin, size), sum);
        put_fixed(&file[begin + size], sum);
        begin += size + checksum_size;
        length_at = 8;
        head = block_header_size;
    }
}

void read(std::span<const std::byte> file) {
    Bytes source(file);
    auto reader = JournalReader::open(source, "fuzz");
    if (!reader) {
        demand(!reader.error().text().empty() && reader.error().offset <= file.size());
        return;
    }
    std::uint64_t records = 0;
    JournalRecord record;
    while (reader->next(record)) {
        demand(reader->index() == records++ && record.participant < most_journal_participants);
        for (const char letter : describe(record))
            demand(letter >= 0x20 && letter < 0x7f);
    }
    demand(!reader->next(record) && reader->records() == records && reader->bytes() <= file.size());
    if (reader->trouble())
        demand(reader->trouble()->offset <= file.size() && !reader->trouble()->text().empty());
}

void replay(std::span<const std::byte> file) {
    Bytes source(file);
    auto reader = JournalReader::open(source, "fuzz");
    if (!reader) return;
    ReplayCursor cursor(*reader, {.window = 16});
    while (const JournalRecord* next = cursor.front()) {
        if (next->participant % 2 == 0) {
            JournalRecord again = *next;
            demand(cursor.take(again).has_value());
            again.clock += 1;
            if (const auto taken = cursor.take(again); !taken) demand(!taken.error().text().empty());
        } else {
            demand(cursor.skip());
        }
    }
}

void compare(std::span<const std::byte> a, std::span<const std::byte> b) {
    Bytes one(a);
    Bytes other(b);
    const auto compared = compare_journals(one, "a", other, "b", {.context = 2});
    if (!compared) return;
    if (std::ranges::equal(a, b)) demand(!compared->first);
    if (compared->first) demand(!compared->first->members.empty() && compared->first->before.size() <= 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static auto* const memory = new fuzz::ReusedMemory;  // used to the last, also while the process ends
    std::pmr::set_default_resource(memory);
    if (size < 3) return 0;
    std::vector<std::byte> bytes(size - 3);
    std::copy_n(reinterpret_cast<const std::byte*>(data) + 3, size - 3, bytes.begin());
    const std::size_t cut = (std::size_t{data[1]} << 8 | data[2]) % (bytes.size() + 1);
    const std::span all(bytes);
    if (data[0] % 2 == 0) {
        put_checksums_right(all.first(cut));
        put_checksums_right(all.subspan(cut));
    }
    read(all.first(cut));
    read(all.subspan(cut));
    replay(all.subspan(cut));
    compare(all.first(cut), all.subspan(cut));
    compare(all.subspan(cut), all.subspan(cut));
    return 0;
}
