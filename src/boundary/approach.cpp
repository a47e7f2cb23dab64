#include <escapement/boundary.hpp>

namespace escapement {

Approach approach(Count clock, Count target, Count margin) {
    using Move = Approach::Move;
    if (target == no_boundary) return {.move = Move::run};
    if (clock > target) return {.move = Move::miss, .after = clock - target};
    const Count remaining = target - clock;
    if (remaining == 0) return {.move = Move::land};
    if (remaining < shortest_alarm || remaining - shortest_alarm < margin) return {.move = Move::step};
    return {.move = Move::alarm, .after = remaining - margin};
}

}  // namespace escapement
