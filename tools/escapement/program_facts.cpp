#include "program_facts.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstring>
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

    [[nodiscard]] std::uint64_t size() const { return size_; }

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

bool lies_within(const File& file, std::uint64_t offset, std::uint64_t size) {
    return offset <= file.size() && size <= file.size() - offset;
}

/// Where the loader is said to be; "" if what is there is no path.
std::string loader_in(const File& file, const Elf64_Phdr& segment) {
    const std::string path = file.part(segment.p_offset, std::min<std::uint64_t>(segment.p_filesz, PATH_MAX));
    const std::size_t end = path.find('\0');
    return end == std::string::npos ? std::string() : path.substr(0, end);
}

/// Loaders of musl, uClibc and Android; any other name may be one that somebody gave to the GNU C library's.
bool is_of_another_c_library(const std::string& loader) {
    const std::string name = std::filesystem::path(loader).filename();
    return name.rfind("ld-musl", 0) == 0 || name.find("-uClibc") != std::string::npos || name == "linker64";
}

/// What the system asks of segments, and one thing that it does not: that the file has all that it is to
/// map.
void read_segments(const File& file, const Elf64_Ehdr& header, ProgramFacts& facts) {
    constexpr std::uint64_t most_bytes = 65536;  // Linux' own limit
    const std::uint64_t bytes = std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
        facts.damage = "it is an object file or a core, not a program";
    } else if (header.e_phentsize != sizeof(Elf64_Phdr) || bytes == 0 || bytes > most_bytes) {
        facts.damage = "its header tells of no segments";
    } else if (!lies_within(file, header.e_phoff, bytes)) {
        facts.damage = "its table of segments lies beyond its end";
    }
    if (!facts.damage.empty()) return;
    bool maps = false;
    for (const auto& segment : table_of<Elf64_Phdr>(file, header.e_phoff, header.e_phnum)) {
        if (segment.p_type != PT_LOAD && segment.p_type != PT_INTERP) continue;
        if (!lies_within(file, segment.p_offset, segment.p_filesz)) {
            facts.damage = "it ends before its segments do";
            return;
        }
        maps = maps || segment.p_type == PT_LOAD;
        if (segment.p_type != PT_INTERP || facts.loaded) continue;
        facts.loaded = true;
        const std::string loader = loader_in(file, segment);
        if (loader.empty()) {
            facts.damage = "its dynamic loader has no name";
        } else if (access(loader.c_str(), F_OK) != 0) {
            facts.missing_loader = loader;
        } else if (is_of_another_c_library(loader)) {
            facts.other_loader = loader;
        }
    }
    if (!maps) facts.damage = "none of its segments is to be loaded";
}

void read_elf(const File& file, std::string_view start, bool with_sections, bool wants_version,
              ProgramFacts& facts) {
    facts.elf = true;
    const unsigned char form = start.size() > EI_CLASS ? static_cast<unsigned char>(start[EI_CLASS]) : 0;
    facts.bits = form == ELFCLASS64 ? 64 : form == ELFCLASS32 ? 32 : 0;
    if (start.size() < (facts.bits == 32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr))) {
        facts.damage = "it ends within its first header";
        return;
    }
    std::uint16_t machine = 0;
    std::memcpy(&machine, start.data() + offsetof(Elf64_Ehdr, e_machine), sizeof machine);
    facts.machine = machine;
    if (facts.bits == 0 || machine == EM_NONE) facts.damage = "its header names no kind of processor";
    if (facts.bits != 64 || !facts.damage.empty()) return;
    const auto header = structure_at<Elf64_Ehdr>(start, 0);
    read_segments(file, header, facts);
    if (with_sections) read_sections(file, header, wants_version, facts);
}

/// As the system divides it: at blanks; a carriage return is a letter like others.
void read_script(std::string_view start, ProgramFacts& facts) {
    std::string_view line = start.substr(2, start.find('\n') - 2);
    const bool carriage_return = line.ends_with('\r');
    if (carriage_return) line.remove_suffix(1);
    for (std::size_t begin = 0; (begin = line.find_first_not_of(" \t", begin)) != std::string_view::npos;) {
        const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
        facts.interpreter.emplace_back(line.substr(begin, end - begin));
        begin = end;
    }
    if (carriage_return && !facts.interpreter.empty())
        facts.damage = "its first line ends in a carriage return, which becomes part of a name";
}

ProgramFacts read(const std::filesystem::path& path, bool with_sections) {
    ProgramFacts facts;
    const File file(path);
    if (!file.regular()) return facts;
    facts.regular = true;
    const std::string start = file.part(0, 256);
    if (start.starts_with(ELFMAG)) {
        // Of scripts the system heeds neither.
        facts.set_uid = file.of_somebody_else();
        facts.capabilities = file.has_capabilities();
        read_elf(file, start, with_sections, path.filename().string().starts_with("qemu-"), facts);
    } else if (start.starts_with("#!")) {
        read_script(start, facts);
    }
    return facts;
}

}  // namespace

ProgramFacts read_program_head(const std::filesystem::path& path) {
    return read(path, false);
}

ProgramFacts read_program(const std::filesystem::path& path) {
    return read(path, true);
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
