#pragma once
// One piece of memory, dealt out in parts.

#include <cstddef>

namespace escapement::journal {

inline constexpr std::size_t alignment = 64;

[[nodiscard]] constexpr std::size_t aligned(std::size_t size) noexcept {
    return (size + alignment - 1) / alignment * alignment;
}

class Parts {
  public:
    explicit Parts(void* memory) noexcept : at_(static_cast<std::byte*>(memory)) {}
    [[nodiscard]] std::byte* take(std::size_t size) noexcept {
        std::byte* const part = at_;
        at_ += aligned(size);
        return part;
    }

  private:
    std::byte* at_;
};

}  // namespace escapement::journal
