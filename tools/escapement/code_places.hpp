#pragma once
// What is at an address in a file of code: function, source line, instruction. By libdw and capstone.
//
//     CodePlaces places;
//     places.add_module(1, "/usr/bin/machine");
//     if (auto place = places.find(CodePlace{1, 0x1139}.packed())) fmt::print("{}\n", place->text());
//
// A file that is not there, or is not ELF, is no error: then only its name and the address are told.
// Thread safety: none.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace escapement::command {

struct FoundPlace {
    std::string file;  ///< the module's, "" if no module of that number is known
    std::uint64_t address = 0;
    std::string function;  ///< "" if not known, as are the following
    std::uint64_t function_offset = 0;
    std::string source;  ///< "machine.c:120"
    std::string instruction;

    /// "loop+0x12 (machine.c:120): lock cmpxchg dword ptr [rdi], esi in /usr/bin/machine at 0x1139"
    [[nodiscard]] std::string text() const;
};

class CodePlaces {
  public:
    CodePlaces();
    ~CodePlaces();
    CodePlaces(const CodePlaces&) = delete;
    CodePlaces& operator=(const CodePlaces&) = delete;

    void add_module(std::uint32_t number, std::string path);
    /// Nothing if `packed` (CodePlace) is 0.
    [[nodiscard]] std::optional<FoundPlace> find(std::uint64_t packed);

  private:
    struct Module;
    [[nodiscard]] FoundPlace look_up(std::uint64_t packed);
    std::unordered_map<std::uint64_t, FoundPlace> known_;
    std::map<std::uint32_t, std::unique_ptr<Module>> modules_;
};

}  // namespace escapement::command
