// Rows of an image as lines of numbers, for windows of one channel each: with their border, and
// where pixels are met at a stride, those that are met together next to each other.
#pragma once

#include "kernels/padded.hpp"
#include "simd/lanes.hpp"

namespace cnn::CNN_LEVEL {

// Every other pixel of C numbers, where a pixel is half a register or less: a register of them
// is taken out of two registers of x, the second of which ends with the last number. Which
// lanes these are is told by the channel that it begins with.
template <class T> struct EveryOther {
    static constexpr bool worth_it = lanes<T> >= 8;
    Integers<T> lane[lanes<T> / 2];
    int last[lanes<T> / 2];  // the second register's place after the first one's
    int C = 0, step, pixels;  // from register to register: channels, and whole pixels

    CNN_INLINE bool fits(const Correlation& c) const { return C == c.C; }
    void prepare(const Correlation& c) {
        if (!worth_it || c.stride_w != 2 || c.C > lanes<T> / 2) return;
        C = c.C, step = lanes<T> % C, pixels = lanes<T> / C;
        for (int first = 0; first < C; ++first) {
            alignas(64) decltype(lane[0][0] + 0) at[lanes<T>];
            for (int k = 0, channel = first, from = 0; k < lanes<T>; ++k, ++from) {
                if (channel == C) channel = 0, from += C;
                ++channel;
                at[k] = from;
            }
            last[first] = static_cast<int>(at[lanes<T> - 1]) - lanes<T> + 1;
            for (int k = 0; k < lanes<T>; ++k)
                if (at[k] >= lanes<T>) at[k] += lanes<T> - last[first];
            __builtin_memcpy(&lane[first], at, sizeof at);
        }
    }

    // `count` pixels; what is written too much is the next's.
    CNN_INLINE void gather(T* to, const T* from, int count) const {
        const int numbers = count * C, there = 2 * numbers - C;  // to be read
        int k = 0, channel = 0;
        const T* at = from;
        auto go = [&]() CNN_LAMBDA {
            at += lanes<T> + pixels * C;
            channel += step;
            if (channel >= C) channel -= C, at += C;
        };
        for (; k + lanes<T> <= numbers; k += lanes<T>, go())
            store(to + k, (Vector<T>)__builtin_shuffle(load(at), load(at + last[channel]),
                                                       lane[channel]));
        if (k == numbers) return;
        const int left = there - static_cast<int>(at - from);
        const int second = left - last[channel];
        auto some = [](int n) CNN_LAMBDA {
            return lane_mask<T>(n < 0 ? 0 : n < lanes<T> ? n : lanes<T>);
        };
        store(to + k, (Vector<T>)__builtin_shuffle(
                          load_masked(at, some(left)),
                          load_masked(at + last[channel], some(second)), lane[channel]));
    }
};

template <class T> CNN_INLINE void fill_zeros_and_more(T* to, int n) {
    for (int k = 0; k < n; k += lanes<T>) store(to + k, Vector<T>{});
}

// Pixels of less than a register, each to its place; what is written too much is the next's.
template <class T>
CNN_INLINE void gather_pixels(T* to, const T* from, std::ptrdiff_t step, int count, int C) {
    for (int k = 0; k < count; ++k, to += C, from += step) store(to, load_first(from, C));
}

// One row of x as `stride` lines, each with every stride-th pixel, the border included; what is
// written too much, less than a register, is the next's.
template <class T>
void copy_lines(T* to, const T* row, const Correlation& c, int columns, std::ptrdiff_t line,
                const EveryOther<T>& every_other) {
    const int s = c.stride_w;
    auto over_stride = [s](int n) CNN_LAMBDA { return s == 1 ? n : s == 2 ? n / 2 : n / s; };
    for (int phase = 0; phase < s; ++phase, to += line) {
        if (!row) {
            fill_zeros(to, line);
            continue;
        }
        // pixel k of this line is number k*s + phase - pad of the row
        const int first = phase - c.pad_left;
        const int begin = first < 0 ? smaller(over_stride(s - 1 - first), columns) : 0;
        int end = c.W > first ? over_stride(c.W - first + s - 1) : 0;
        end = smaller(end > begin ? end : begin, columns);
        const int inside = end - begin;
        const T* from = row + (std::ptrdiff_t(begin) * s + first) * c.C;
        fill_zeros_and_more(to, begin * c.C);
        T* at = to + begin * c.C;
        if (s == 1) copy_numbers(at, from, std::ptrdiff_t(inside) * c.C);
        else if (inside > 0 && every_other.fits(c)) every_other.gather(at, from, inside);
        else gather_pixels(at, from, std::ptrdiff_t(s) * c.C, inside, c.C);
        fill_zeros_and_more(at + inside * c.C, (columns - end) * c.C);
    }
}

}  // namespace cnn::CNN_LEVEL
