#include <escapement/order.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace escapement {
namespace {

using Held = std::map<ObjectKey, HeldLocks::Lock>;

bool equal(const HeldLocks& found, const Held& expected, const std::vector<ObjectKey>& keys) {
    if (found.size() != expected.size()) return false;
    return std::all_of(keys.begin(), keys.end(), [&](ObjectKey key) {
        const HeldLocks::Lock* const lock = found.find(key);
        const auto known = expected.find(key);
        if (lock == nullptr || known == expected.end()) return lock == nullptr && known == expected.end();
        return lock->key == key && lock->owner == known->second.owner && lock->depth == known->second.depth &&
               lock->since == known->second.since;
    });
}

/// Insertions and erasures at random, now more of the ones and now of the others.
void churn(const std::vector<ObjectKey>& keys, std::uint64_t seed, std::size_t most) {
    std::mt19937_64 random(seed);
    HeldLocks locks(std::pmr::get_default_resource());
    Held expected;
    for (unsigned step = 0; step < 4000; ++step) {
        const ObjectKey key = keys[random() % keys.size()];
        const bool grows = step / 500 % 2 == 0;
        if (HeldLocks::Lock* const lock = locks.find(key); lock != nullptr) {
            if (!grows || random() % 4 == 0) {
                locks.erase(lock);
                expected.erase(key);
            }
        } else if (expected.size() < most && (grows || random() % 4 == 0)) {
            const HeldLocks::Lock added{.key = key,
                                        .owner = static_cast<ParticipantNumber>(random() % 8),
                                        .depth = 1 + static_cast<std::uint32_t>(random() % 3),
                                        .since = random()};
            locks.insert(added);
            expected.emplace(key, added);
        }
        if (step % 16 == 0) REQUIRE(equal(locks, expected, keys));
    }
    REQUIRE(equal(locks, expected, keys));
}

/// Keys with one home in a table of the first size, and in its neighbourhood.
std::vector<ObjectKey> colliding_keys(std::size_t count) {
    std::vector<ObjectKey> keys;
    for (ObjectKey key = 0; keys.size() < count; ++key) {
        const std::uint64_t home = (key * 0x9e3779b97f4a7c15U >> 32U) & 63U;
        if (home >= 61 || home <= 1) keys.push_back(key);
    }
    return keys;
}

}  // namespace

TEST_CASE("held locks: as a map, for addresses") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        std::mt19937_64 random(seed);
        std::vector<ObjectKey> keys;
        const ObjectKey base = (random() & 0x7fffffffffffU) & ~ObjectKey{63};
        for (unsigned index = 0; index < 200; ++index)
            keys.push_back(base + ObjectKey{40} * index);
        churn(keys, seed, 1000);
    }
}

TEST_CASE("held locks: as a map, where all collide and runs wrap around the end") {
    for (std::uint64_t seed = 0; seed < 50; ++seed)
        churn(colliding_keys(40), seed, 30);
}

TEST_CASE("held locks: as a map, for keys that differ in few bits, and for the extremes") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        std::mt19937_64 random(seed);
        std::vector<ObjectKey> keys{0, ~ObjectKey{0}, 1, 1ULL << 63U};
        for (unsigned index = 0; index < 60; ++index)
            keys.push_back(ObjectKey{index} << (random() % 58));
        std::sort(keys.begin(), keys.end());
        keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
        churn(keys, seed, 1000);
    }
}

TEST_CASE("held locks: what one participant holds") {
    HeldLocks locks(std::pmr::get_default_resource());
    for (ObjectKey key = 0; key < 100; ++key) {
        locks.insert({.key = key, .owner = static_cast<ParticipantNumber>(key % 3), .depth = 1});
    }
    CHECK(locks.holds_any(2));
    CHECK_FALSE(locks.holds_any(3));
    locks.keep_only(2);
    CHECK(locks.size() == 33);
    CHECK_FALSE(locks.holds_any(0));
    CHECK_FALSE(locks.holds_any(1));
    for (ObjectKey key = 0; key < 100; ++key)
        CHECK((locks.find(key) != nullptr) == (key % 3 == 2));
}

}  // namespace escapement
