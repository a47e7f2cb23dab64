#include "program_facts.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string_view>

namespace escapement::command {

namespace {

/// A file of which parts are read.
class File {
  public:
    explicit File(const std::filesystem::path& path)
        : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        struct stat status {};
        if (descriptor_ < 0 || fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return;
        regular_ = true;
        size_ = static_cast<std::uint64_t>(status.st_size);
        other_ = ((status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid()) ||
                 ((status.st_mode & S_ISGID) != 0 && status.st_gid != getegid());
    }
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    [[nodiscard]] bool regular() const { return regular_; }
    [[nodiscard]] bool of_somebody_else() const { return other_; }
    [[nodiscard]] bool has_capabilities() const {
        return fgetxattr(descriptor_, "security.capability", nullptr, 0) > 0;
    }

    /// At most `size` bytes, fewer at the file's end.
    [[nodiscard]] std::string part(std::uint64_t offset, std::uint64_t size) const {
        if (offset >= size_) return {};
        std::string bytes(static_cast<std::size_t>(std::min(size, size_ - offset)), '\0');
        const ssize_t got = pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return bytes;
    }

  private:
    int descriptor_;
    bool regular_ = false;
    bool other_ = false;
    std::uint64_t size_ = 0;
};

constexpr std::uint64_t most_headers = 4096;
constexpr std::uint64_t most_table = std::uint64_t{16} << 20U;

template <typename Structure>
Structure structure_at(std::string_view bytes, std::size_t index) {
    Structure structure{};
    std::memcpy(&structure, bytes.data() + index * sizeof structure, sizeof structure);
    return structure;
}

template <typename Structure>
std::vector<Structure> table_of(const File& file, std::uint64_t offset, std::uint64_t count) {
    const std::string bytes =
        file.part(offset, std::min(count, most_table / sizeof(Structure)) * sizeof(Structure));
    std::vector<Structure> table;
    for (std::size_t index = 0; index < bytes.size() / sizeof(Structure); ++index)
        table.push_back(structure_at<Structure>(bytes, index));
    return table;
}

/// "" if it is not in the table, or does not end there.
std::string_view name_in(std::string_view names, std::uint64_t at) {
    if (at >= names.size()) return {};
    const std::size_t end = names.find('\0', at);
    return end == std::string_view::npos ? std::string_view() : names.substr(at, end - at);
}

std::string version_in(std::string_view constants) {
    constexpr std::string_view title = "QEMU emulator version ";
    const std::size_t at = constants.find(title);
    if (at == std::string_view::npos) return {};
    std::string_view text = constants.substr(at + title.size(), 100);
    const auto end =
        std::find_if(text.begin(), text.end(), [](char letter) { return letter < ' ' || letter > '~'; });
    return {text.begin(), end};
}

std::set<std::string> exported_of(const File& file, const Elf64_Shdr& symbols, std::string_view names) {
    std::set<std::string> found;
    for (const auto& symbol :
         table_of<Elf64_Sym>(file, symbols.sh_offset, symbols.sh_size / sizeof(Elf64_Sym))) {
        if (symbol.st_shndx == SHN_UNDEF) continue;
        const std::string_view name = name_in(names, symbol.st_name);
        if (std::find(std::begin(qemu_symbols), std::end(qemu_symbols), name) != std::end(qemu_symbols))
            found.emplace(name);
    }
    return found;
}

void read_sections(const File& file, const Elf64_Ehdr& header, bool wants_version, ProgramFacts& facts) {
    if (header.e_shentsize != sizeof(Elf64_Shdr)) return;
    const auto sections =
        table_of<Elf64_Shdr>(file, header.e_shoff, std::min<std::uint64_t>(header.e_shnum, most_headers));
    if (header.e_shstrndx >= sections.size()) return;
    const auto text_of = [&file](const Elf64_Shdr& section) {
        return file.part(section.sh_offset, std::min<std::uint64_t>(section.sh_size, most_table));
    };
    const std::string names = text_of(sections[header.e_shstrndx]);
    bool seen_constants = false;
    for (const Elf64_Shdr& section : sections) {
        const std::string_view name = name_in(names, section.sh_name);
        if (name == ".go.buildinfo" || name == ".note.go.buildid") facts.go = true;
        // One table of each kind is all that a program has; a file that claims thousands is not to take long.
        if (section.sh_type == SHT_DYNSYM && section.sh_link < sections.size() && !facts.exported)
            facts.exported = exported_of(file, section, text_of(sections[section.sh_link]));
        if (name == ".rodata" && wants_version && !seen_constants) {
            seen_constants = true;
            facts.qemu_version = version_in(text_of(section));
        }
    }
}

void read_elf(const File& file, std::string_view start, bool wants_version, ProgramFacts& facts) {
    facts.elf = true;
    facts.bits = start[EI_CLASS] == ELFCLASS64 ? 64 : start[EI_CLASS] == ELFCLASS32 ? 32 : 0;
    std::uint16_t machine = 0;
    std::memcpy(&machine, start.data() + offsetof(Elf64_Ehdr, e_machine), sizeof machine);
    facts.machine = machine;
    if (facts.bits != 64 || start.size() < sizeof(Elf64_Ehdr)) return;
    const auto header = structure_at<Elf64_Ehdr>(start, 0);
    if (header.e_phentsize == sizeof(Elf64_Phdr)) {
        for (const auto& segment : table_of<Elf64_Phdr>(file, header.e_phoff, header.e_phnum))
            facts.loaded = facts.loaded || segment.p_type == PT_INTERP;
    }
    read_sections(file, header, wants_version, facts);
}

}  // namespace

ProgramFacts read_program(const std::filesystem::path& path) {
    ProgramFacts facts;
    const File file(path);
    if (!file.regular()) return facts;
    facts.regular = true;
    facts.set_uid = file.of_somebody_else();
    facts.capabilities = file.has_capabilities();
    const std::string start = file.part(0, 256);
    if (start.size() >= sizeof(Elf32_Ehdr) && start.starts_with(ELFMAG)) {
        read_elf(file, start, path.filename().string().starts_with("qemu-"), facts);
    } else if (start.starts_with("#!")) {
        std::istringstream words(start.substr(2, start.find('\n') - 2));
        for (std::string word; words >> word;)
            facts.interpreter.push_back(word);
    }
    return facts;
}

std::string missing_qemu_symbols(const std::set<std::string>& exported) {
    std::string missing;
    const auto lacks = [&](const std::string& name) { missing += (missing.empty() ? "" : ", ") + name; };
    for (const char* const name : qemu_symbols) {
        const std::string_view lock = name;
        if (lock == "bql_locked" || lock == "qemu_mutex_iothread_locked") continue;
        if (!exported.contains(name)) lacks(name);
    }
    if (!exported.contains("bql_locked") && !exported.contains("qemu_mutex_iothread_locked"))
        lacks("bql_locked");
    return missing;
}

}  // namespace escapement::command
