#include "code_places.hpp"

#include "recording.hpp"

#include <link.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace escapement::preload {

namespace {

constexpr std::size_t cached = 4096;
constexpr std::uint32_t most_modules = 256;
constexpr std::size_t most_name = 256;

struct Place {
    std::uintptr_t address;
    std::uint64_t packed;
};
Place cache[cached];

// By the address that the loader added: one module each.
std::uintptr_t modules[most_modules];
std::uint32_t module_count = 0;

char journal_modules[most_modules][most_name];

struct Search {
    std::uintptr_t address;
    bool found;
    std::uintptr_t base;
    const char* name;
};

int find_module(dl_phdr_info* object, std::size_t /*size*/, void* memory) {
    auto& search = *static_cast<Search*>(memory);
    for (int index = 0; index < object->dlpi_phnum; ++index) {
        const auto& segment = object->dlpi_phdr[index];
        const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
        if (segment.p_type != PT_LOAD || search.address < begin || search.address - begin >= segment.p_memsz)
            continue;
        search.found = true;
        search.base = object->dlpi_addr;
        search.name = object->dlpi_name;
        return 1;
    }
    return 0;
}

Search search_for(std::uintptr_t address) {
    Search search{.address = address, .found = false, .base = 0, .name = ""};
    dl_iterate_phdr(find_module, &search);
    return search;
}

bool is_own(const Search& search) {
    static const std::uintptr_t own = search_for(reinterpret_cast<std::uintptr_t>(&search_for)).base;
    return search.base == own;
}

/// The program itself has no name there.
std::string_view name_of(const Search& search, std::span<char> room) {
    if (*search.name != '\0') return search.name;
    std::snprintf(room.data(), room.size(), "%s", program_invocation_name);
    return room.data();
}

std::uint64_t look_up(std::uintptr_t address) {
    const Search search = search_for(address);
    if (!search.found || is_own(search)) return 0;
    auto* const end = modules + module_count;
    auto* const known = std::find(modules, end, search.base);
    if (known == end) {
        if (module_count == most_modules) return 0;
        *known = search.base;
        ++module_count;
        char room[most_name];
        record_of_caller({.kind = JournalRecordKind::module,
                          .object = module_count,
                          .bytes = bytes_of(name_of(search, room))});
    }
    return CodePlace{.module = static_cast<std::uint32_t>(known - modules) + 1,
                     .address = address - search.base}
        .packed();
}

}  // namespace

std::uint64_t place_of(std::uintptr_t address) {
    if (address == 0) return 0;
    Place& place = cache[(address >> 1 ^ address >> 13) % cached];
    if (place.address != address) place = {.address = address, .packed = look_up(address)};
    return place.packed;
}

void forget_places() {
    module_count = 0;
    std::fill(std::begin(cache), std::end(cache), Place{});
}

void note_journal_module(std::uint32_t number, std::string_view name) {
    if (number == 0 || number > most_modules) return;
    char* const to = journal_modules[number - 1];
    to[name.copy(to, most_name - 1)] = '\0';
}

void describe_journal_place(std::uint64_t packed, std::span<char> text) {
    const CodePlace place = CodePlace::unpack(packed);
    const bool known = place.module > 0 && place.module <= most_modules;
    std::snprintf(text.data(), text.size(), "%s+0x%llx", known ? journal_modules[place.module - 1] : "?",
                  static_cast<unsigned long long>(place.address));
}

void describe_address(std::uintptr_t address, std::span<char> text) {
    const Search search = search_for(address);
    char room[most_name];
    const std::string_view name = search.found ? name_of(search, room) : "?";
    std::snprintf(text.data(), text.size(), "%.*s+0x%llx", static_cast<int>(name.size()), name.data(),
                  static_cast<unsigned long long>(address - search.base));
}

}  // namespace escapement::preload
