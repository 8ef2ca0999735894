// Results that are put together before they are written.
#pragma once

#include <cstdint>

#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

// n numbers in whole registers, past the caches from where these begin on a line.
template <class T>
void write_line(T* to, const T* from, std::ptrdiff_t n, bool past_caches) {
    constexpr int line = 64 / static_cast<int>(sizeof(T));
    std::ptrdiff_t k = 0;
    if (past_caches) {
        for (; k < n && reinterpret_cast<std::uintptr_t>(to + k) % 64; ++k) to[k] = from[k];
        for (; k + line <= n; k += line)
            for (int l = 0; l < line; l += lanes<T>)
                store_past_caches(to + k + l, load(from + k + l));
    }
    for (; k + lanes<T> <= n; k += lanes<T>) store(to + k, load(from + k));
    if (k < n) store_first(to + k, load_first(from + k, int(n - k)), int(n - k));
}

}  // namespace cnn::CNN_LEVEL
