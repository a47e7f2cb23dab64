#pragma once
// Memory that is used again: a reader's half a megabyte costs a sanitizer more to map and to unmap than
// everything that is read in it. What was given back is out of bounds until it is given out again.

#include <sanitizer/asan_interface.h>

#include <array>
#include <cstddef>
#include <memory_resource>

namespace escapement::fuzz {

class ReusedMemory final : public std::pmr::memory_resource {
  private:
    struct Piece {
        void* at = nullptr;
        std::size_t size = 0;
        bool used = false;
    };

    void* do_allocate(std::size_t size, std::size_t alignment) override {
        for (Piece& piece : pieces_) {
            if (piece.used || (piece.at != nullptr && piece.size != size)) continue;
            if (piece.at == nullptr)
                piece = {std::pmr::new_delete_resource()->allocate(size, alignment), size, false};
            piece.used = true;
            ASAN_UNPOISON_MEMORY_REGION(piece.at, size);
            return piece.at;
        }
        return std::pmr::new_delete_resource()->allocate(size, alignment);
    }
    void do_deallocate(void* at, std::size_t size, std::size_t alignment) override {
        for (Piece& piece : pieces_) {
            if (piece.at != at) continue;
            piece.used = false;
            ASAN_POISON_MEMORY_REGION(at, size);
            return;
        }
        std::pmr::new_delete_resource()->deallocate(at, size, alignment);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }

    std::array<Piece, 8> pieces_;
};

}  // namespace escapement::fuzz
