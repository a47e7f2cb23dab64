#include "stopping_places.hpp"

#include <link.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>

namespace escapement::preload {

namespace {

struct Range {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
};

// libgcc_s walks the loader's list, under the loader's lock, when an exception is thrown.
constexpr const char* names[] = {"libc.so", "libpthread.so", "ld-linux", "libgcc_s.so",
                                 "libescapement-preload.so"};
Range ranges[16];
std::size_t range_count = 0;

int note(dl_phdr_info* object, std::size_t /*size*/, void* /*unused*/) {
    const char* const slash = std::strrchr(object->dlpi_name, '/');
    const char* const file = slash != nullptr ? slash + 1 : object->dlpi_name;
    const auto is_named = [file](const char* name) {
        return std::strncmp(file, name, std::strlen(name)) == 0;
    };
    if (!std::any_of(std::begin(names), std::end(names), is_named)) return 0;
    for (int index = 0; index < object->dlpi_phnum && range_count < std::size(ranges); ++index) {
        const auto& segment = object->dlpi_phdr[index];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
        const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
        ranges[range_count++] = {.begin = begin, .end = begin + segment.p_memsz};
    }
    return 0;
}

}  // namespace

void find_stopping_places() {
    range_count = 0;
    dl_iterate_phdr(note, nullptr);
}

bool may_be_stopped_at(std::uintptr_t address) {
    return std::none_of(ranges, ranges + range_count, [address](const Range& range) {
        return address >= range.begin && address < range.end;
    });
}

}  // namespace escapement::preload
