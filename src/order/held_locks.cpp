#include <escapement/order.hpp>

#include <algorithm>

namespace escapement {

namespace {
constexpr std::size_t initial_slots = 64;  // a power of two, like every later size: home() masks
}

HeldLocks::HeldLocks(std::pmr::memory_resource* memory) : slots_(initial_slots, memory) {}

std::size_t HeldLocks::home(ObjectKey key) const {
    // Fibonacci hashing (TAOCP 3, 6.4): keys are mostly addresses, equal in their low bits.
    return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15U) >> 32U) & (slots_.size() - 1);
}

const HeldLocks::Lock* HeldLocks::find(ObjectKey key) const {
    for (std::size_t at = home(key);; at = (at + 1) & (slots_.size() - 1)) {
        const Lock& lock = slots_[at];
        if (lock.depth == 0) return nullptr;
        if (lock.key == key) return &lock;
    }
}

HeldLocks::Lock* HeldLocks::find(ObjectKey key) {
    return const_cast<Lock*>(static_cast<const HeldLocks*>(this)->find(key));
}

void HeldLocks::insert(const Lock& lock) {
    if (2 * (size_ + 1) > slots_.size()) {
        std::pmr::vector<Lock> old(2 * slots_.size(), slots_.get_allocator());
        old.swap(slots_);
        size_ = 0;
        for (const Lock& each : old) {
            if (each.depth != 0) insert(each);
        }
    }
    std::size_t at = home(lock.key);
    while (slots_[at].depth != 0)
        at = (at + 1) & (slots_.size() - 1);
    slots_[at] = lock;
    ++size_;
}

bool HeldLocks::holds_any(ParticipantNumber owner) const {
    return std::any_of(slots_.begin(), slots_.end(),
                       [owner](const Lock& each) { return each.depth != 0 && each.owner == owner; });
}

void HeldLocks::keep_only(ParticipantNumber owner) {
    std::pmr::vector<Lock> old(slots_.size(), slots_.get_allocator());
    old.swap(slots_);
    size_ = 0;
    for (const Lock& each : old) {
        if (each.depth != 0 && each.owner == owner) insert(each);
    }
}

void HeldLocks::erase(Lock* lock) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t hole = static_cast<std::size_t>(lock - slots_.data());
    for (std::size_t at = (hole + 1) & mask; slots_[at].depth != 0; at = (at + 1) & mask) {
        // Whoever may not be found past the hole moves into it: those whose home is not cyclically in (hole,
        // at].
        const std::size_t distance_home = (at - home(slots_[at].key)) & mask;
        const std::size_t distance_hole = (at - hole) & mask;
        if (distance_home >= distance_hole) {
            slots_[hole] = slots_[at];
            hole = at;
        }
    }
    slots_[hole] = Lock{};
    --size_;
}

}  // namespace escapement
