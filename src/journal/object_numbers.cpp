#include <escapement/journal.hpp>

#include <bit>
#include <cstring>

namespace escapement {

// Open addressing with linear probing and backward-shift deletion, as HeldLocks (order.hpp). Free slots are
// all zero.

ObjectNumbers::ObjectNumbers(std::pmr::memory_resource* memory, std::size_t capacity)
    : memory_(memory),
      mask_(2 * std::bit_ceil(capacity) - 1),
      slots_(static_cast<Slot*>(memory->allocate((mask_ + 1) * sizeof(Slot), alignof(Slot)))) {
    clear();
}

ObjectNumbers::~ObjectNumbers() {
    memory_->deallocate(slots_, (mask_ + 1) * sizeof(Slot), alignof(Slot));
}

std::size_t ObjectNumbers::home(ObjectKey key) const noexcept {
    return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15) >> 32) & mask_;
}

ObjectNumber ObjectNumbers::number_of(ObjectKey key) noexcept {
    std::size_t place = home(key);
    for (; slots_[place].number != 0; place = (place + 1) & mask_) {
        if (slots_[place].key == key) return slots_[place].number;
    }
    if (used_ > mask_ / 2) {
        std::memset(static_cast<void*>(slots_), 0, (mask_ + 1) * sizeof(Slot));
        used_ = 0;
        place = home(key);
    }
    ++used_;
    if (++last_ == 0) last_ = 1;
    slots_[place] = {.key = key, .number = last_};
    return last_;
}

void ObjectNumbers::forget(ObjectKey key) noexcept {
    std::size_t hole = home(key);
    for (;; hole = (hole + 1) & mask_) {
        if (slots_[hole].number == 0) return;
        if (slots_[hole].key == key) break;
    }
    for (std::size_t next = (hole + 1) & mask_; slots_[next].number != 0; next = (next + 1) & mask_) {
        // What lies beyond the hole may move into it unless that is before its home.
        if (((next - home(slots_[next].key)) & mask_) >= ((next - hole) & mask_)) {
            slots_[hole] = slots_[next];
            hole = next;
        }
    }
    slots_[hole] = {};
    --used_;
}

void ObjectNumbers::clear() noexcept {
    std::memset(static_cast<void*>(slots_), 0, (mask_ + 1) * sizeof(Slot));
    used_ = 0;
    last_ = 0;
}

}  // namespace escapement
