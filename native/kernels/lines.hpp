// Rows of an image as lines of numbers, for windows of one channel each: with their border, and
// where pixels are met at a stride, those that are met together next to each other.
#pragma once

#include "kernels/padded.hpp"

namespace cnn::CNN_LEVEL {

// Pixels of less than a register, each to its place; what is written too much is the next's.
template <class T>
CNN_INLINE T* gather_pixels(T* to, const T* from, std::ptrdiff_t step, int count, int C) {
    for (int k = 0; k < count; ++k, to += C, from += step) store(to, load_first(from, C));
    return to;
}

// One row of x as `stride` lines, each with every stride-th pixel, the border included.
template <class T>
void copy_lines(T* to, const T* row, const Correlation& c, int columns, std::ptrdiff_t line) {
    const int s = c.stride_w;
    for (int phase = 0; phase < s; ++phase, to += line) {
        if (!row) {
            fill_zeros(to, line);
            continue;
        }
        // pixel k of this line is number k*s + phase - pad of the row
        const int first = phase - c.pad_left;
        int begin = first < 0 ? (-first + s - 1) / s : 0;
        if (begin > columns) begin = columns;
        int end = c.W > first ? (c.W - first + s - 1) / s : 0;
        end = smaller(end > begin ? end : begin, columns);
        T* at = to;
        fill_zeros(at, std::ptrdiff_t(begin) * c.C);
        at += begin * c.C;
        const T* from = row + (std::ptrdiff_t(begin) * s + first) * c.C;
        if (s == 1) {
            copy_numbers(at, from, std::ptrdiff_t(end - begin) * c.C);
            at += (end - begin) * c.C;
        } else {
            at = gather_pixels(at, from, std::ptrdiff_t(s) * c.C, end - begin, c.C);
        }
        fill_zeros(at, std::ptrdiff_t(columns - end) * c.C);
    }
}

}  // namespace cnn::CNN_LEVEL
