// Pooling of channels-last images.
//
//   max_pool2d   out[n, i, j, c] = max over u, v of x[n, i*s + u - p, j*s + v - p, c]
//   avg_pool2d   the sum of the same entries, over their number or over HH*WW
//
// Plan. A register holds the channels of one pixel; the taps of a window go over it.
// What lies outside of the image is left out of the loops. Maxima remember which tap won,
// the first of equal ones, since only a larger one takes its place; NaN is largest.
//
// Backward collects instead of spreading: each pixel of dx looks at the windows that lie
// over it, in the order of the definition's sums, and is written once. So rows of dx are
// independent of each other, and nothing needs to be zero before.
#include "kernels/pool.hpp"

#include "simd/lanes.hpp"

namespace cnn::CNN_LEVEL {
namespace {

struct Taps {
    int begin, end;
    CNN_INLINE int count() const { return end - begin; }
};

// The taps of one axis that find the image when the window begins at `start`.
CNN_INLINE Taps taps_inside(int start, int window, int size) {
    const int begin = start < 0 ? -start : 0;
    const int end = start + window > size ? size - start : window;
    return {begin, end};
}

// The places of the window that lie over entry h of an axis.
CNN_INLINE Taps windows_over(int h, int window, int stride, int padding, int places) {
    const int first = h + padding - window + 1;
    const int begin = first > 0 ? (first + stride - 1) / stride : 0;
    const int last = (h + padding) / stride;
    return {begin, last < places ? last + 1 : places};
}

template <class Index, class T> struct IndicesOf {
    typedef Index type __attribute__((vector_size(lanes<T> * sizeof(Index))));
};

template <class T, class Index> CNN_INLINE void store_indices(Index* to, Integers<T> which) {
    using Packed = typename IndicesOf<Index, T>::type;
    const Packed packed = __builtin_convertvector(which, Packed);
    __builtin_memcpy(to, &packed, sizeof packed);
}

template <class T, class Index> CNN_INLINE Integers<T> load_indices(const Index* from) {
    typename IndicesOf<Index, T>::type packed;
    __builtin_memcpy(&packed, from, sizeof packed);
    return __builtin_convertvector(packed, Integers<T>);
}

template <class T, class Index>
CNN_INLINE Integers<T> load_first_indices(const Index* from, int n) {
    Integers<T> which = {};
    for (int k = 0; k < n; ++k) which[k] = from[k];
    return which;
}

// One pixel of the result. With HH and WW known to the compiler the loops unroll.
template <class T, class Index>
CNN_INLINE void largest_at(const T* x, std::ptrdiff_t row, int C, Taps rows, Taps columns, int WW,
                           T* out, Index* which) {
    const T* corner = x + rows.begin * row + columns.begin * C;
    const int first = rows.begin * WW + columns.begin;
    auto winner = [&](auto read, Integers<T>& tap) CNN_INLINE_LAMBDA {
        Vector<T> best = read(corner);
        tap = Integers<T>{} + first;
        const T* line = corner;
        for (int u = 0; u < rows.count(); ++u, line += row)
            for (int v = u == 0; v < columns.count(); ++v) {
                const Vector<T> value = read(line + v * C);
                const Integers<T> wins = (value > best) | ((value != value) & (best == best));
                best = wins ? value : best;
                tap = wins ? Integers<T>{} + (first + u * WW + v) : tap;
            }
        return best;
    };
    int c = 0;
    Integers<T> tap;
    // main loop
    for (; c + lanes<T> <= C; c += lanes<T>) {
        store(out + c, winner([=](const T* p) { return load(p + c); }, tap));
        store_indices<T, Index>(which + c, tap);
    }
    // tail
    const int left = C - c;
    if (left) {
        store_first(out + c, winner([=](const T* p) { return load_first(p + c, left); }, tap),
                    left);
        for (int k = 0; k < left; ++k) which[c + k] = static_cast<Index>(tap[k]);
    }
}

}  // namespace

template <class T, class Index>
void largest(const Pool2d& g, const T* x, T* out, Index* which, int i) {
    const std::ptrdiff_t row = std::ptrdiff_t(g.W) * g.C;
    const int top = i * g.stride_h - g.padding_h;
    const Taps rows = taps_inside(top, g.HH, g.H);
    out += std::ptrdiff_t(i) * g.W_out * g.C;
    which += std::ptrdiff_t(i) * g.W_out * g.C;
    for (int j = 0; j < g.W_out; ++j, out += g.C, which += g.C) {
        const int left = j * g.stride_w - g.padding_w;
        const Taps columns = taps_inside(left, g.WW, g.W);
        const T* window = x + top * row + std::ptrdiff_t(left) * g.C;
        const bool whole = rows.count() == g.HH && columns.count() == g.WW;
        if (whole && g.HH == 2 && g.WW == 2)
            largest_at<T, Index>(window, row, g.C, {0, 2}, {0, 2}, 2, out, which);
        else if (whole && g.HH == 3 && g.WW == 3)
            largest_at<T, Index>(window, row, g.C, {0, 3}, {0, 3}, 3, out, which);
        else
            largest_at<T, Index>(window, row, g.C, rows, columns, g.WW, out, which);
    }
}

template <class T, class Index>
void largest_backward(const Pool2d& g, const T* dout, const Index* which, T* dx, int h) {
    const Taps rows = windows_over(h, g.HH, g.stride_h, g.padding_h, g.H_out);
    const int C = g.C;
    dx += std::ptrdiff_t(h) * g.W * C;
    for (int w = 0; w < g.W; ++w, dx += C) {
        const Taps columns = windows_over(w, g.WW, g.stride_w, g.padding_w, g.W_out);
        auto collect = [&](auto read, auto read_index) CNN_INLINE_LAMBDA {
            Vector<T> sum = {};
            for (int i = rows.begin; i < rows.end; ++i) {
                const int u = h + g.padding_h - i * g.stride_h;
                for (int j = columns.begin; j < columns.end; ++j) {
                    const int v = w + g.padding_w - j * g.stride_w;
                    const std::ptrdiff_t at = (std::ptrdiff_t(i) * g.W_out + j) * C;
                    const Integers<T> here = read_index(which + at) == u * g.WW + v;
                    sum += here ? read(dout + at) : Vector<T>{};
                }
            }
            return sum;
        };
        int c = 0;
        // main loop
        for (; c + lanes<T> <= C; c += lanes<T>)
            store(dx + c, collect([=](const T* p) { return load(p + c); },
                                  [=](const Index* p) { return load_indices<T>(p + c); }));
        // tail
        const int left = C - c;
        if (left)
            store_first(dx + c,
                        collect([=](const T* p) { return load_first(p + c, left); },
                                [=](const Index* p) { return load_first_indices<T>(p + c, left); }),
                        left);
    }
}

template <class T> void mean(const Pool2d& g, const T* x, T* out, int i) {
    const std::ptrdiff_t row = std::ptrdiff_t(g.W) * g.C;
    const int top = i * g.stride_h - g.padding_h, C = g.C;
    const Taps rows = taps_inside(top, g.HH, g.H);
    out += std::ptrdiff_t(i) * g.W_out * C;
    for (int j = 0; j < g.W_out; ++j, out += C) {
        const int left_edge = j * g.stride_w - g.padding_w;
        const Taps columns = taps_inside(left_edge, g.WW, g.W);
        const T* corner = x + (top + rows.begin) * row +
                          std::ptrdiff_t(left_edge + columns.begin) * C;
        const T size = T(g.count_include_pad ? g.HH * g.WW : rows.count() * columns.count());
        auto average = [&](auto read) CNN_INLINE_LAMBDA {
            Vector<T> sum = {};
            const T* line = corner;
            for (int u = 0; u < rows.count(); ++u, line += row) {
                Vector<T> part = {};  // row by row: long sums stay accurate
                for (int v = 0; v < columns.count(); ++v) part += read(line + v * C);
                sum += part;
            }
            return sum / size;
        };
        int c = 0;
        // main loop
        for (; c + lanes<T> <= C; c += lanes<T>)
            store(out + c, average([=](const T* p) { return load(p + c); }));
        // tail
        const int left = C - c;
        if (left)
            store_first(out + c, average([=](const T* p) { return load_first(p + c, left); }),
                        left);
    }
}

template <class T> void mean_backward(const Pool2d& g, const T* dout, T* dx, int h) {
    const Taps rows = windows_over(h, g.HH, g.stride_h, g.padding_h, g.H_out);
    const int C = g.C;
    dx += std::ptrdiff_t(h) * g.W * C;
    for (int w = 0; w < g.W; ++w, dx += C) {
        const Taps columns = windows_over(w, g.WW, g.stride_w, g.padding_w, g.W_out);
        auto collect = [&](auto read) CNN_INLINE_LAMBDA {
            Vector<T> sum = {};
            for (int i = rows.begin; i < rows.end; ++i) {
                const int height = taps_inside(i * g.stride_h - g.padding_h, g.HH, g.H).count();
                Vector<T> part = {};
                for (int j = columns.begin; j < columns.end; ++j) {
                    const int width =
                        taps_inside(j * g.stride_w - g.padding_w, g.WW, g.W).count();
                    const T size = T(g.count_include_pad ? g.HH * g.WW : height * width);
                    part += read(dout + (std::ptrdiff_t(i) * g.W_out + j) * C) / size;
                }
                sum += part;
            }
            return sum;
        };
        int c = 0;
        // main loop
        for (; c + lanes<T> <= C; c += lanes<T>)
            store(dx + c, collect([=](const T* p) { return load(p + c); }));
        // tail
        const int left = C - c;
        if (left)
            store_first(dx + c, collect([=](const T* p) { return load_first(p + c, left); }), left);
    }
}

// Sums in T over short runs of rows, theirs in double.
template <class T>
void channel_sums(const T* x, std::ptrdiff_t rows, int C, T* block, double* sums) {
    constexpr std::ptrdiff_t run = 64;
    for (std::ptrdiff_t start = 0; start < rows; start += run) {
        const std::ptrdiff_t end = start + run < rows ? start + run : rows;
        for (int c = 0; c < C; ++c) block[c] = 0;
        std::ptrdiff_t r = start;
        for (; r + 4 <= end; r += 4) {
            const T* p = x + r * C;
            for (int c = 0; c < C; ++c)
                block[c] += (p[c] + p[C + c]) + (p[2 * C + c] + p[3 * C + c]);
        }
        for (; r < end; ++r)
            for (int c = 0; c < C; ++c) block[c] += x[r * C + c];
        for (int c = 0; c < C; ++c) sums[c] += block[c];
    }
}

template <class T> void repeat(const T* values, std::ptrdiff_t rows, int C, T* out) {
    for (std::ptrdiff_t r = 0; r < rows; ++r, out += C) {
        int c = 0;
        for (; c + lanes<T> <= C; c += lanes<T>) store(out + c, load(values + c));
        for (; c < C; ++c) out[c] = values[c];
    }
}

#define CNN_INDEXED(T, Index)                                                                 \
    template void largest(const Pool2d&, const T*, T*, Index*, int);                          \
    template void largest_backward(const Pool2d&, const T*, const Index*, T*, int);
#define CNN_INSTANTIATE(T)                                                                    \
    CNN_INDEXED(T, std::uint8_t)                                                              \
    CNN_INDEXED(T, std::int32_t)                                                              \
    template void mean(const Pool2d&, const T*, T*, int);                                     \
    template void mean_backward(const Pool2d&, const T*, T*, int);                            \
    template void channel_sums(const T*, std::ptrdiff_t, int, T*, double*);                   \
    template void repeat(const T*, std::ptrdiff_t, int, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn::CNN_LEVEL
