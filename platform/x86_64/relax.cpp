#include <escapement/waiting.hpp>

#include <immintrin.h>

namespace escapement {

void relax() {
    _mm_pause();
}

}  // namespace escapement
