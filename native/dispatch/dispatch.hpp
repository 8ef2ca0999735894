// Which instruction-set level runs: the widest that was built in and that this CPU has.
#pragma once

#include "kernels/kernels.hpp"

namespace cnn {

struct Candidate {
    const Level* level;
    bool here;  // whether this CPU and system have it
};

// Widest first. n_candidates() of them.
const Candidate* candidates();
int n_candidates();

const Level& current_level();
void set_level(const Level& level);

template <class T> const Kernels<T>& kernels() { return kernels_of<T>(current_level()); }

}  // namespace cnn
