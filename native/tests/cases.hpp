// The cases: every op on drawn sizes, both dtypes, held against loops in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "tests/drawn.hpp"
#include "tests/record.hpp"

namespace cnn::tests {

using Size = std::ptrdiff_t;

// One, and the lanes of every level with one more and one fewer.
inline int channels(Hand& hand) {
    return hand.choice({1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33});
}

template <class T> void conv_cases(Record&);
template <class T> void elementwise_cases(Record&);
template <class T> void norm_cases(Record&);
template <class T> void loss_cases(Record&);
template <class T> void image_cases(Record&);  // pooling, borders, layouts

}  // namespace cnn::tests
