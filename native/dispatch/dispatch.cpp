// The list of levels, widest first, and which of them this machine has.
#include "dispatch/dispatch.hpp"

#include <atomic>

namespace cnn {

#if defined(__x86_64__)
namespace avx512 { extern const Level level; }
namespace avx2 { extern const Level level; }
namespace baseline { extern const Level level; }
#else
namespace neon { extern const Level level; }
#endif

namespace {

// __builtin_cpu_supports asks the system too: a level whose registers the system does
// not save is not there.
const Candidate list[] = {
#if defined(__x86_64__)
    {&avx512::level, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                         __builtin_cpu_supports("fma")},
    {&avx2::level, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
    {&baseline::level, true},
#else
    {&neon::level, true},
#endif
};

const Level* widest() {
    for (const Candidate& candidate : list)
        if (candidate.here) return candidate.level;
    return nullptr;
}

std::atomic<const Level*> chosen{widest()};

}  // namespace

const Candidate* candidates() { return list; }
int n_candidates() { return sizeof list / sizeof *list; }
const Level& current_level() { return *chosen.load(std::memory_order_relaxed); }
void set_level(const Level& level) { chosen.store(&level, std::memory_order_relaxed); }

}  // namespace cnn
