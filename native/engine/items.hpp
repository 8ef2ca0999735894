// How the engine cuts work into items: by the shape alone, so that the bits of a result
// do not depend on the number of threads. Little work stays in the calling thread.
#pragma once

#include <cstddef>

#include "parallel/pool.hpp"

namespace cnn {

using Size = std::ptrdiff_t;

constexpr Size item_numbers = Size(1) << 15;  // of an item that a thread is worth waking for

static inline Size ceil_div(Size a, Size b) { return (a + b - 1) / b; }

// `count` items over some numbers in all; `threads` as in parallel_for.
template <class Work>
void for_items(Size count, Size numbers, const Work& work, int threads = n_threads()) {
    if (numbers <= item_numbers)
        for (Size k = 0; k < count; ++k) work(static_cast<int>(k), 0);
    else
        parallel_for(static_cast<int>(count), work, threads);
}

// work(begin, end) over pieces of 0 .. n-1 of at most `most`, begun at multiples of 64.
template <class Work> void for_ranges(Size n, Size most, const Work& work) {
    const Size step = ceil_div(most, 64) * 64;
    if (n <= step) {
        if (n > 0) work(Size(0), n);
        return;
    }
    parallel_for(static_cast<int>(ceil_div(n, step)), [&](int k, int) {
        const Size begin = k * step;
        work(begin, begin + step < n ? begin + step : n);
    });
}

}  // namespace cnn
