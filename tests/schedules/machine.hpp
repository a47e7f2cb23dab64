#pragma once
// A processor for one test: participants are fibers of one thread, and between any two of their accesses to
// shared memory somebody else may go on.
//
// Contract. A fiber stops before each access to a Shared, a latch or a parking place (reach()); run() lets it
// make that access and go on to its next. Everything that a run can change is in one of the regions or on a
// fiber's stack, so that a state is a run of bytes: it can be kept, compared and gone back to. Hence nothing
// may be allocated on a fiber that lives across an access.
//
// Memory is sequentially consistent, or has store buffers as x86 has (total store order): what is written
// without seq_cst may stay in its writer's buffer for as long as the search likes. Weaker orders than that
// are not explored.
//
// Accesses that nobody else can notice are not stopped at: to what no other writes, or reads, or, with the
// latch, what the others touch only with the latch. Which these are is learned; `wiser()` says that
// something was learned too late, and the search has to begin again. Putting a latch back is not stopped at
// either: it lets others do more, whenever it comes.

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace escapement::schedules {

enum class Access : std::uint8_t { begin, read, write, update, latch, park, unpark };
enum class Fault : std::uint8_t {
    none,
    lost_unpark,     ///< nobody is ever unparked
    lost_additions,  ///< fetch_add adds nothing
};

/// A step: a fiber makes its next access, or the oldest store in its buffer becomes visible.
struct Step {
    std::uint8_t fiber = 0;
    bool drains = false;
    Access access = Access::begin;
    std::uint16_t place = 0;
};
std::string describe(Step step);

class Machine {
  public:
    static constexpr unsigned most_fibers = 4;
    static constexpr std::size_t most_places = 1024;
    struct Options {
        bool store_buffers = false;
        Fault fault = Fault::none;
    };

    explicit Machine(const Options& options);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    /// The one that exists.
    static Machine& current();

    // For whoever explores.
    /// What is changed by runs, besides the fibers themselves.
    void add_region(void* begin, std::size_t size);
    void add_fiber(std::function<void()> body);
    [[nodiscard]] std::vector<Step> steps() const;
    [[nodiscard]] bool all_done() const;
    void run(Step step);
    void keep(std::vector<std::byte>& state) const;
    void go_back(const std::vector<std::byte>& state);
    [[nodiscard]] std::uint64_t fingerprint();
    [[nodiscard]] bool wiser() const { return wiser_; }
    void forget_wiser() { wiser_ = false; }

    // For the memory (parallel_memory.hpp).
    [[nodiscard]] Fault fault() const { return options_.fault; }
    [[nodiscard]] unsigned new_place() { return places_++ % most_places; }
    /// Stops the running fiber until it may make this access, unless nobody can notice.
    void reach(Access access, unsigned place);
    /// The newest value that the running fiber has written and nobody has seen; null: none.
    [[nodiscard]] const std::uint64_t* buffered(const void* address) const;
    /// False: to be written to memory at once.
    bool buffer(unsigned place, void* address, std::uint64_t value, std::size_t size, bool ordered);
    void drain_all();
    void take_latch(bool& held);
    void put_back_latch(bool& held);
    void wait_for_permit(bool& permit);
    void give_permit(bool& permit);
    std::int64_t clock();
    /// Of the running fiber.
    void reset_clock();

  private:
    struct Store {
        void* address = nullptr;
        std::uint64_t value = 0;
        std::uint64_t size = 0;
    };
    struct Fiber {
        std::jmp_buf context{};
        std::byte* low = nullptr;  ///< the stack is in use from here
        const bool* needs = nullptr;
        std::int64_t clock = 0;
        std::array<Store, 6> stores{};
        std::uint32_t stored = 0;
        std::uint16_t place = 0;
        Access access = Access::begin;
        bool needed = false;  ///< value of *needs with which it can go on
        bool latched = false;
        bool done = false;
    };
    /// Who does what with a place: a bit for each fiber.
    struct Facts {
        std::uint8_t reads = 0, writes = 0;
        std::uint8_t reads_outside = 0, writes_outside = 0;  ///< without the latch
        bool operator==(const Facts&) const = default;
    };
    struct Region {
        std::byte* begin;
        std::size_t size;
    };
    static constexpr std::size_t stack_size = 65'536;

    [[nodiscard]] bool hidden(Access access, unsigned place) const;
    void learn(Access access, unsigned place);
    void stop();
    void drain(Fiber& fiber);
    static void start(unsigned low, unsigned high);
    template <typename Visit>
    void for_each_part(Visit&& visit) const;

    Options options_;
    std::array<Fiber, most_fibers> fibers_{};
    std::array<std::unique_ptr<std::byte[]>, most_fibers> stacks_;
    std::array<std::function<void()>, most_fibers> bodies_;
    unsigned count_ = 0;
    Fiber* running_ = nullptr;
    std::jmp_buf context_{};
    std::array<Facts, most_places> facts_{};
    bool wiser_ = false;
    unsigned places_ = 0;
    std::vector<Region> regions_;
};

}  // namespace escapement::schedules
