#include "machine.hpp"

#include <ucontext.h>

#include <algorithm>
#include <cassert>

// Fibers are begun by makecontext and switched by _setjmp and _longjmp, which make no system call. What lies
// below the frame of stop() is dead, but for what the compiler keeps next to it.

namespace escapement::schedules {

namespace {

Machine* the_machine = nullptr;
constexpr std::size_t beside_the_frame = 128;
constexpr std::size_t most_in_use = 2048;

std::uint64_t mixed(std::uint64_t value) {  // splitmix64's finalizer
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

std::uint64_t hashed(std::uint64_t hash, const std::byte* bytes, std::size_t size) {
    for (std::size_t at = 0; at < size; at += sizeof hash) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + at, std::min(sizeof word, size - at));
        hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
        hash ^= hash >> 29;
    }
    return mixed(hash);
}

}  // namespace

Machine::Machine(const Options& options) : options_(options) {
    assert(the_machine == nullptr);
    the_machine = this;
}

Machine::~Machine() {
    the_machine = nullptr;
}

Machine& Machine::current() {
    return *the_machine;
}

void Machine::add_region(void* begin, std::size_t size) {
    regions_.push_back({static_cast<std::byte*>(begin), size});
}

void Machine::start(unsigned low, unsigned high) {
    Machine& machine = *the_machine;
    const std::size_t index = low + high;
    machine.stop();
    machine.bodies_.at(index)();
    machine.fibers_.at(index).done = true;
    machine.stop();
}

void Machine::add_fiber(std::function<void()> body) {
    const unsigned index = count_++;
    bodies_.at(index) = std::move(body);
    stacks_.at(index) = std::make_unique<std::byte[]>(stack_size);
    ucontext_t context;
    ucontext_t back;
    getcontext(&context);
    context.uc_stack.ss_sp = stacks_.at(index).get();
    context.uc_stack.ss_size = stack_size;
    context.uc_link = nullptr;
    makecontext(&context, reinterpret_cast<void (*)()>(&Machine::start), 2, index, 0U);
    running_ = &fibers_.at(index);
    if (_setjmp(context_) == 0) swapcontext(&back, &context);
    running_ = nullptr;
}

[[gnu::noinline]] void Machine::stop() {
    running_->low = static_cast<std::byte*>(__builtin_frame_address(0)) - beside_the_frame;
    if (_setjmp(running_->context) == 0) _longjmp(context_, 1);
}

bool Machine::hidden(Access access, unsigned place) const {
    const Facts& facts = facts_.at(place);
    const auto others = static_cast<std::uint8_t>(~(1U << (running_ - fibers_.data())));
    const unsigned reads = (running_->latched ? facts.reads_outside : facts.reads) & others;
    const unsigned writes = (running_->latched ? facts.writes_outside : facts.writes) & others;
    return writes == 0 && (access == Access::read || reads == 0);
}

void Machine::learn(Access access, unsigned place) {
    Facts& facts = facts_.at(place);
    const Facts before = facts;
    const auto me = static_cast<std::uint8_t>(1U << (running_ - fibers_.data()));
    const auto me_outside = static_cast<std::uint8_t>(running_->latched ? 0 : me);
    if (access != Access::read) {
        facts.writes |= me;
        facts.writes_outside |= me_outside;
    }
    if (access != Access::write) {
        facts.reads |= me;
        facts.reads_outside |= me_outside;
    }
    wiser_ |= before != facts;
}

void Machine::reach(Access access, unsigned place) {
    if (running_ == nullptr) return;
    learn(access, place);
    if (hidden(access, place)) return;
    running_->access = access;
    running_->place = static_cast<std::uint16_t>(place);
    running_->needs = nullptr;
    stop();
}

const std::uint64_t* Machine::buffered(const void* address) const {
    if (running_ == nullptr) return nullptr;
    for (unsigned index = running_->stored; index-- > 0;) {
        if (running_->stores.at(index).address == address) return &running_->stores.at(index).value;
    }
    return nullptr;
}

bool Machine::buffer(unsigned place, void* address, std::uint64_t value, std::size_t size, bool ordered) {
    if (running_ == nullptr) return false;
    const bool late = options_.store_buffers && !ordered;
    learn(Access::write, place);
    if (hidden(Access::write, place)) return false;
    if (!late || running_->stored == running_->stores.size()) {
        reach(Access::write, place);
        drain_all();
        return false;
    }
    running_->stores.at(running_->stored++) = {.address = address, .value = value, .size = size};
    return true;
}

void Machine::drain(Fiber& fiber) {
    const Store& first = fiber.stores.front();
    std::memcpy(first.address, &first.value, first.size);
    std::move(fiber.stores.begin() + 1, fiber.stores.end(), fiber.stores.begin());
    fiber.stores.back() = {};
    --fiber.stored;
}

void Machine::drain_all() {
    while (running_ != nullptr && running_->stored > 0)
        drain(*running_);
}

void Machine::take_latch(bool& held) {
    if (running_ == nullptr) return;
    running_->access = Access::latch;
    running_->needs = &held;
    running_->needed = false;
    stop();
    drain_all();
    held = true;
    running_->latched = true;
}

void Machine::put_back_latch(bool& held) {
    if (running_ == nullptr) return;
    drain_all();
    held = false;
    running_->latched = false;
}

void Machine::wait_for_permit(bool& permit) {
    running_->access = Access::park;
    running_->needs = &permit;
    running_->needed = true;
    stop();
    drain_all();
    permit = false;
}

void Machine::give_permit(bool& permit) {
    if (running_ != nullptr) {
        running_->access = Access::unpark;
        running_->needs = nullptr;
        stop();
        drain_all();
    }
    permit = options_.fault != Fault::lost_unpark;
}

std::int64_t Machine::clock() {
    return running_->clock++;
}

void Machine::reset_clock() {
    running_->clock = 0;
}

std::vector<Step> Machine::steps() const {
    std::vector<Step> all;
    for (unsigned index = 0; index < count_; ++index) {
        const Fiber& fiber = fibers_.at(index);
        const bool goes_on = fiber.needs == nullptr || *fiber.needs == fiber.needed;
        Step step{.fiber = static_cast<std::uint8_t>(index), .access = fiber.access, .place = fiber.place};
        if (!fiber.done && goes_on) all.push_back(step);
        step.drains = true;
        if (fiber.stored > 0) all.push_back(step);
    }
    return all;
}

bool Machine::all_done() const {
    return std::all_of(fibers_.begin(), fibers_.begin() + count_,
                       [](const Fiber& each) { return each.done; });
}

void Machine::run(Step step) {
    Fiber& fiber = fibers_.at(step.fiber);
    if (step.drains) {
        drain(fiber);
        return;
    }
    // What others have left below would be found in what is not initialised, and be taken for a difference.
    std::memset(fiber.low - most_in_use, 0, most_in_use);
    running_ = &fiber;
    if (_setjmp(context_) == 0) _longjmp(fiber.context, 1);
    running_ = nullptr;
}

template <typename Visit>
void Machine::for_each_part(Visit&& visit) const {
    for (const Region& each : regions_)
        visit(each.begin, each.size);
    for (unsigned index = 0; index < count_; ++index) {
        const Fiber& fiber = fibers_.at(index);
        visit(fiber.low, static_cast<std::size_t>(stacks_.at(index).get() + stack_size - fiber.low));
    }
}

void Machine::keep(std::vector<std::byte>& state) const {
    state.clear();
    const auto* const fibers = reinterpret_cast<const std::byte*>(fibers_.data());
    state.insert(state.end(), fibers, fibers + count_ * sizeof(Fiber));
    for_each_part(
        [&](const std::byte* begin, std::size_t size) { state.insert(state.end(), begin, begin + size); });
}

void Machine::go_back(const std::vector<std::byte>& state) {
    const std::byte* from = state.data();
    std::memcpy(static_cast<void*>(fibers_.data()), from, count_ * sizeof(Fiber));
    from += count_ * sizeof(Fiber);
    for_each_part([&](std::byte* begin, std::size_t size) {
        std::memcpy(begin, from, size);
        from += size;
    });
}

std::uint64_t Machine::fingerprint() {
    std::uint64_t hash =
        hashed(1, reinterpret_cast<const std::byte*>(fibers_.data()), count_ * sizeof(Fiber));
    for_each_part([&](const std::byte* begin, std::size_t size) { hash = hashed(hash, begin, size); });
    return hash;
}

std::string describe(Step step) {
    static constexpr std::array names{"begins",          "reads", "writes", "updates",
                                      "takes the latch", "parks", "unparks"};
    const std::string who = std::to_string(step.fiber);
    if (step.drains) return who + " shows a store";
    const bool has_place = step.access >= Access::read && step.access <= Access::update;
    return who + " " + names.at(static_cast<unsigned>(step.access)) +
           (has_place ? " " + std::to_string(step.place) : "");
}

}  // namespace escapement::schedules
