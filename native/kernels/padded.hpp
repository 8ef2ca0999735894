// The source of a window with its border of zeros, copied row by row.
#pragma once

#include "kernels/correlation.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

template <class T> CNN_INLINE void copy_numbers(T* to, const T* from, std::ptrdiff_t n) {
    std::ptrdiff_t k = 0;
    for (; k + lanes<T> <= n; k += lanes<T>) store(to + k, load(from + k));
    if (k == n) return;
    if (k > 0) store(to + n - lanes<T>, load(from + n - lanes<T>));  // over the one before
#if defined(__AVX512F__)
    else store_first(to, load_first(from, int(n)), int(n));
#else
    else for (; k < n; ++k) to[k] = from[k];
#endif
}

template <class T> CNN_INLINE void fill_zeros(T* to, std::ptrdiff_t n) {
    std::ptrdiff_t k = 0;
    for (; k + lanes<T> <= n; k += lanes<T>) store(to + k, Vector<T>{});
    if (k >= n) return;
    if (k > 0) store(to + n - lanes<T>, Vector<T>{});  // over the one before
#if defined(__AVX512F__)
    else store_first(to, Vector<T>{}, int(n));
#else
    else for (; k < n; ++k) to[k] = 0;
#endif
}

// Rows first .. first+rows-1 of the padded image, `width` pixels each.
template <class T>
void copy_padded(T* to, const T* image, const Correlation& c, int first, int rows, int width) {
    const std::ptrdiff_t C = c.C;
    int left = c.pad_left > 0 ? c.pad_left : 0;
    if (left > width) left = width;
    const int skip = c.pad_left < 0 ? -c.pad_left : 0;
    int inside = c.W - skip;
    if (inside > width - left) inside = width - left;
    if (inside < 0) inside = 0;
    for (int r = 0; r < rows; ++r, to += width * C) {
        const int h = first + r - c.pad_top;
        if (h < 0 || h >= c.H) {
            fill_zeros(to, width * C);
            continue;
        }
        fill_zeros(to, left * C);
        copy_numbers(to + left * C, image + (std::ptrdiff_t(h) * c.W + skip) * C, inside * C);
        fill_zeros(to + (left + inside) * C, (width - left - inside) * C);
    }
}

}  // namespace cnn::CNN_LEVEL
