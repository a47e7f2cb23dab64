#include "program.hpp"

#include <array>
#include <ostream>

namespace escapement::simulation {

std::ostream& operator<<(std::ostream& out, const Instruction& instruction) {
    static constexpr std::array names{"compute", "lock",       "timed_lock", "try_lock",  "unlock",
                                      "wait",    "timed_wait", "wake",       "requeue",   "sleep",
                                      "poll",    "timed_poll", "write",      "read_time", "create",
                                      "join",    "timed_join", "give_way",   "leave",     "exit"};
    return out << names.at(static_cast<std::size_t>(instruction.operation)) << ' '
               << unsigned{instruction.object} << ' ' << unsigned{instruction.second} << ' '
               << instruction.amount;
}

std::ostream& operator<<(std::ostream& out, const Program& program) {
    out << (program.policy == Policy::counted ? "counted" : "ticktock") << ", quantum " << program.quantum
        << ", operations of " << program.operation_ns << " ns"
        << (program.stops_only_unlocked ? ", stops only unlocked\n" : "\n");
    for (std::size_t thread = 0; thread < program.threads.size(); ++thread) {
        out << "  thread " << thread << ":";
        for (const Instruction& each : program.threads[thread])
            out << ' ' << each << ';';
        out << '\n';
    }
    return out;
}

}  // namespace escapement::simulation
