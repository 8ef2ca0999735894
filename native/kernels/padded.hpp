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

// n pixels of C numbers each, `step` apart. Few numbers are moved as more, where as many are
// there: what is too much of one pixel is overwritten by the next one's.
template <class T, int move>
CNN_INLINE void copy_pixels(T* to, const T* from, std::ptrdiff_t n, int C, std::ptrdiff_t step) {
    std::ptrdiff_t k = 0;
    for (; (n - k) * C >= move && (n - 1 - k) * step + C >= move; ++k, to += C, from += step) {
        T numbers[move];
        __builtin_memcpy(numbers, from, sizeof numbers);
        __builtin_memcpy(to, numbers, sizeof numbers);
    }
    for (; k < n; ++k, to += C, from += step) copy_numbers(to, from, C);
}

// Rows first .. first+rows-1 of the padded image, `width` pixels each, C numbers of each
// pixel; those beyond the image only where they are wanted.
template <class T>
void copy_padded(T* to, const T* image, const Correlation& c, int C, int first, int rows,
                 int width, bool beyond) {
    int left = c.pad_left > 0 ? c.pad_left : 0;
    if (left > width) left = width;
    const int skip = c.pad_left < 0 ? -c.pad_left : 0;
    int inside = c.W - skip;
    if (inside > width - left) inside = width - left;
    if (inside < 0) inside = 0;
    for (int r = 0; r < rows; ++r, to += std::ptrdiff_t(width) * C) {
        const int h = first + r - c.pad_top;
        if (h < 0 || h >= c.H) {
            if (beyond) fill_zeros(to, std::ptrdiff_t(width) * C);
            continue;
        }
        fill_zeros(to, std::ptrdiff_t(left) * C);
        T* at = to + std::ptrdiff_t(left) * C;
        const T* from = image + (std::ptrdiff_t(h) * c.W + skip) * c.C;
        if (C == c.C) copy_numbers(at, from, std::ptrdiff_t(inside) * C);
        else if (C <= 4) copy_pixels<T, 4>(at, from, inside, C, c.C);
        else if (C <= 8) copy_pixels<T, 8>(at, from, inside, C, c.C);
        else if (C <= 16) copy_pixels<T, 16>(at, from, inside, C, c.C);
        else
            for (int j = 0; j < inside; ++j)
                copy_numbers(at + std::ptrdiff_t(j) * C, from + std::ptrdiff_t(j) * c.C, C);
        fill_zeros(to + std::ptrdiff_t(left + inside) * C,
                   std::ptrdiff_t(width - left - inside) * C);
    }
}

template <class T>
void copy_padded(T* to, const T* image, const Correlation& c, int first, int rows, int width) {
    copy_padded(to, image, c, c.C, first, rows, width, true);
}

}  // namespace cnn::CNN_LEVEL
