#include "code_places.hpp"

#include "log_files.hpp"

#include <escapement/journal.hpp>

#include <capstone/capstone.h>
#include <cxxabi.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

namespace escapement::command {

namespace {

constexpr std::size_t longest_instruction = 16;

char* no_path = nullptr;
const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                  .find_debuginfo = dwfl_standard_find_debuginfo,
                                  .section_address = dwfl_offline_section_address,
                                  .debuginfo_path = &no_path};

struct DwflEnd {
    void operator()(Dwfl* dwfl) const { dwfl_end(dwfl); }
};

/// Where in the file the byte is that is loaded at `address`.
std::optional<std::uint64_t> file_offset(Elf* elf, std::uint64_t address) {
    std::size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0) return std::nullopt;
    for (std::size_t index = 0; index < count; ++index) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, static_cast<int>(index), &header) == nullptr || header.p_type != PT_LOAD)
            continue;
        if (address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz)
            return header.p_offset + (address - header.p_vaddr);
    }
    return std::nullopt;
}

std::string disassemble(std::uint16_t machine, const std::vector<std::uint8_t>& code, std::uint64_t address) {
    csh handle = 0;
    cs_err opened = CS_ERR_ARCH;
    if (machine == EM_X86_64) opened = cs_open(CS_ARCH_X86, CS_MODE_64, &handle);
    if (machine == EM_AARCH64) opened = cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle);
    if (opened != CS_ERR_OK) return "";
    cs_insn* instruction = nullptr;
    std::string text;
    if (cs_disasm(handle, code.data(), code.size(), address, 1, &instruction) == 1) {
        text = instruction->mnemonic;
        if (instruction->op_str[0] != '\0') text += fmt::format(" {}", instruction->op_str);
        cs_free(instruction, 1);
    }
    cs_close(&handle);
    return text;
}

}  // namespace

struct CodePlaces::Module {
    std::string path;
    std::unique_ptr<Dwfl, DwflEnd> dwfl;
    Dwfl_Module* module = nullptr;
    bool opened = false;

    void open() {
        if (std::exchange(opened, true)) return;
        dwfl.reset(dwfl_begin(&callbacks));
        if (!dwfl) return;
        module = dwfl_report_offline(dwfl.get(), "", path.c_str(), -1);
        dwfl_report_end(dwfl.get(), nullptr, nullptr);
    }

    void find_function(std::uint64_t there, FoundPlace& place) const {
        GElf_Off offset = 0;
        GElf_Sym symbol;
        const char* const name =
            dwfl_module_addrinfo(module, there, &offset, &symbol, nullptr, nullptr, nullptr);
        if (name == nullptr) return;
        int status = 0;
        const std::unique_ptr<char, void (*)(void*)> demangled(
            abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
        place.function = demangled ? demangled.get() : name;
        place.function_offset = offset;
    }

    void find_line(std::uint64_t there, FoundPlace& place) const {
        int number = 0;
        if (Dwfl_Line* const line = dwfl_module_getsrc(module, there)) {
            const char* const file = dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
            if (file != nullptr) place.source = fmt::format("{}:{}", file, number);
            return;
        }
        // Clang writes no table of which unit an address is in: each unit knows it of itself.
        Dwarf_Addr bias = 0;
        Dwarf_Die* unit = nullptr;
        while ((unit = dwfl_module_nextcu(module, unit, &bias)) != nullptr) {
            if (dwarf_haspc(unit, there - bias) <= 0) continue;
            Dwarf_Line* const line = dwarf_getsrc_die(unit, there - bias);
            const char* const file = line == nullptr ? nullptr : dwarf_linesrc(line, nullptr, nullptr);
            if (file != nullptr && dwarf_lineno(line, &number) == 0)
                place.source = fmt::format("{}:{}", file, number);
            return;
        }
    }

    void find_instruction(std::uint64_t address, FoundPlace& place) const {
        GElf_Addr bias = 0;
        Elf* const elf = dwfl_module_getelf(module, &bias);
        GElf_Ehdr header;
        if (elf == nullptr || gelf_getehdr(elf, &header) == nullptr) return;
        const auto offset = file_offset(elf, address);
        if (!offset) return;
        std::ifstream file(path, std::ios::binary);
        std::vector<std::uint8_t> code(longest_instruction);
        file.seekg(static_cast<std::streamoff>(*offset));
        file.read(reinterpret_cast<char*>(code.data()), static_cast<std::streamsize>(code.size()));
        code.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
        place.instruction = disassemble(header.e_machine, code, address);
    }
};

CodePlaces::CodePlaces() = default;
CodePlaces::~CodePlaces() = default;

void CodePlaces::add_module(std::uint32_t number, std::string path) {
    auto module = std::make_unique<Module>();
    module->path = std::move(path);
    modules_[number] = std::move(module);
    known_.clear();
}

std::optional<FoundPlace> CodePlaces::find(std::uint64_t packed) {
    // A program has few places that perform operations, and a damaged journal any number.
    constexpr std::size_t most_known = 65536;
    if (packed == 0) return std::nullopt;
    if (const auto known = known_.find(packed); known != known_.end()) return known->second;
    if (known_.size() >= most_known) known_.clear();
    return known_[packed] = look_up(packed);
}

FoundPlace CodePlaces::look_up(std::uint64_t packed) {
    const CodePlace code = CodePlace::unpack(packed);
    FoundPlace place;
    place.address = code.address;
    const auto known = modules_.find(code.module);
    if (known == modules_.end()) return place;
    Module& module = *known->second;
    place.file = module.path;
    module.open();
    if (module.module == nullptr) return place;
    GElf_Addr bias = 0;
    if (dwfl_module_getelf(module.module, &bias) == nullptr) return place;
    module.find_function(code.address + bias, place);
    module.find_line(code.address + bias, place);
    module.find_instruction(code.address, place);
    return place;
}

std::string FoundPlace::text() const {
    std::string text;
    if (!function.empty()) text = fmt::format("{}+{:#x}", function, function_offset);
    if (!source.empty()) text += fmt::format("{}({})", text.empty() ? "" : " ", source);
    if (!instruction.empty()) text += fmt::format("{}{}", text.empty() ? "" : ": ", instruction);
    text += fmt::format("{}{:#x} in {}", text.empty() ? "" : ", at ", address,
                        file.empty() ? "an unknown module" : file);
    return escaped(text);
}

}  // namespace escapement::command
