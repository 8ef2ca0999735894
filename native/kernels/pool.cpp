// Pooling of channels-last images.
//
//   max_pool2d   out[n, i, j, c] = max over u, v of x[n, i*s + u - p, j*s + v - p, c]
//   avg_pool2d   the sum of the same entries, over their number or over HH*WW
//
// Plan. A register holds the channels of one pixel; the taps of a window go over it.
// What lies outside of the image is left out of the loops. Maxima remember which tap won,
// the first of equal ones, since only a larger one takes its place; NaN is largest.
//
// Backward collects: each pixel of dx looks at the windows that lie over it, in the order
// of the definition's sums, and is written once. So rows of dx are independent of each
// other, and nothing needs to be zero before. Where windows do not overlap, each place
// writes the pixels under it.
//
// A ReLU after the maximum is one after each entry: the first largest stays the first
// largest, and where it is cut off no gradient goes back at all.
#include "kernels/pool.hpp"

#include "kernels/padded.hpp"
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

// One pixel of the result. With HH and WW known to the compiler the loops unroll.
template <class T, class Index, bool affine, bool relu_after>
CNN_INLINE void largest_at(const PoolSource<T>& from, const T* x, std::ptrdiff_t row, int C,
                           Taps rows, Taps columns, int WW, T* out, Index* which) {
    const T* corner = x + rows.begin * row + columns.begin * C;
    const int first = rows.begin * WW + columns.begin;
    auto winner = [&](auto read, Integers<T>& tap) CNN_LAMBDA {
        const Vector<T> scale = affine ? read(from.scale) : Vector<T>{};
        const Vector<T> shift = affine ? read(from.shift) : Vector<T>{};
        auto value_at = [&](const T* p) CNN_LAMBDA {
            return affine ? read(p) * scale + shift : read(p);
        };
        Vector<T> best = value_at(corner);
        tap = Integers<T>{} + first;
        const T* line = corner;
        for (int u = 0; u < rows.count(); ++u, line += row)
            for (int v = u == 0; v < columns.count(); ++v) {
                const Vector<T> value = value_at(line + v * C);
                // larger, or NaN, and nothing wins over NaN
                const Integers<T> wins = ~(value <= best) & (best == best);
                best = wins ? value : best;
                tap = wins ? Integers<T>{} + (first + u * WW + v) : tap;
            }
        if (relu_after) {
            tap = best <= 0 ? Integers<T>{} + no_tap<Index> : tap;
            best = relu<T>(best);
        }
        return best;
    };
    int c = 0;
    Integers<T> tap;
    // main loop
    for (; c + lanes<T> <= C; c += lanes<T>) {
        store(out + c, winner([=](const T* p) { return load(p + c); }, tap));
        store_small<T>(which + c, tap);
    }
    // tail
    const int left = C - c;
    if (left) {
        store_first(out + c, winner([=](const T* p) { return load_first(p + c, left); }, tap),
                    left);
        for (int k = 0; k < left; ++k) which[c + k] = static_cast<Index>(tap[k]);
    }
}

template <class T, class Index, bool affine, bool relu_after>
void largest_of_row(const Pool2d& g, const PoolSource<T>& from, T* out, Index* which, int i) {
    const std::ptrdiff_t row = std::ptrdiff_t(g.W) * g.C;
    const int top = i * g.stride_h - g.padding_h;
    const Taps rows = taps_inside(top, g.HH, g.H);
    out += std::ptrdiff_t(i) * g.W_out * g.C;
    which += std::ptrdiff_t(i) * g.W_out * g.C;
    for (int j = 0; j < g.W_out; ++j, out += g.C, which += g.C) {
        const int left = j * g.stride_w - g.padding_w;
        const Taps columns = taps_inside(left, g.WW, g.W);
        const T* window = from.x + top * row + std::ptrdiff_t(left) * g.C;
        const bool whole = rows.count() == g.HH && columns.count() == g.WW;
        auto find = [&](Taps u, Taps v, int WW) CNN_LAMBDA {
            largest_at<T, Index, affine, relu_after>(from, window, row, g.C, u, v, WW, out, which);
        };
        if (whole && g.HH == 2 && g.WW == 2) find({0, 2}, {0, 2}, 2);
        else if (whole && g.HH == 3 && g.WW == 3) find({0, 3}, {0, 3}, 3);
        else find(rows, columns, g.WW);
    }
}

}  // namespace

template <class T, class Index>
void largest(const Pool2d& g, const PoolSource<T>& from, T* out, Index* which, int i) {
    if (from.scale && from.relu) largest_of_row<T, Index, true, true>(g, from, out, which, i);
    else if (from.scale) largest_of_row<T, Index, true, false>(g, from, out, which, i);
    else if (from.relu) largest_of_row<T, Index, false, true>(g, from, out, which, i);
    else largest_of_row<T, Index, false, false>(g, from, out, which, i);
}

namespace {

// One place of a window that overlaps no other: all pixels under it at once.
template <class T, class Index>
CNN_INLINE void spread(const Pool2d& g, const T* dout, const Index* which, T* dx,
                       std::ptrdiff_t row, int HH, int WW) {
    auto pixels = [=](Vector<T> d, Integers<T> tap, auto write) CNN_LAMBDA {
        for (int u = 0; u < HH; ++u)
            for (int v = 0; v < WW; ++v)
                write(dx + u * row + v * g.C, tap == u * WW + v ? d : Vector<T>{});
    };
    int c = 0;
    // main loop
    for (; c + lanes<T> <= g.C; c += lanes<T>)
        pixels(load(dout + c), load_small<T>(which + c),
               [=](T* p, Vector<T> v) { store(p + c, v); });
    // tail
    const int left = g.C - c;
    if (left)
        pixels(load_first(dout + c, left), load_first_small<T>(which + c, left),
               [=](T* p, Vector<T> v) { store_first(p + c, v, left); });
}

template <class T, class Index>
void spread_rows(const Pool2d& g, const T* dout, const Index* which, T* dx, int begin, int end) {
    const std::ptrdiff_t row = std::ptrdiff_t(g.W) * g.C;
    const int width = g.W_out * g.WW;  // what lies beyond is under no window
    for (int i = begin / g.HH; i * g.HH < end; ++i) {
        const int h = i * g.HH;
        if (i >= g.H_out) {
            fill_zeros(dx + h * row, (end - h) * row);
            return;
        }
        const std::ptrdiff_t place = std::ptrdiff_t(i) * g.W_out * g.C;
        for (int j = 0; j < g.W_out; ++j) {
            const std::ptrdiff_t at = place + std::ptrdiff_t(j) * g.C;
            T* corner = dx + h * row + std::ptrdiff_t(j) * g.WW * g.C;
            if (g.HH == 2 && g.WW == 2)
                spread<T, Index>(g, dout + at, which + at, corner, row, 2, 2);
            else
                spread<T, Index>(g, dout + at, which + at, corner, row, g.HH, g.WW);
        }
        for (int u = 0; u < g.HH; ++u)
            fill_zeros(dx + (h + u) * row + std::ptrdiff_t(width) * g.C,
                       std::ptrdiff_t(g.W - width) * g.C);
    }
}

template <class T, class Index>
void collect_row(const Pool2d& g, const T* dout, const Index* which, T* dx, int h) {
    const Taps rows = windows_over(h, g.HH, g.stride_h, g.padding_h, g.H_out);
    const int C = g.C;
    dx += std::ptrdiff_t(h) * g.W * C;
    for (int w = 0; w < g.W; ++w, dx += C) {
        const Taps columns = windows_over(w, g.WW, g.stride_w, g.padding_w, g.W_out);
        auto collect = [&](auto read, auto read_index) CNN_LAMBDA {
            Vector<T> sum = {};
            for (int i = rows.begin; i < rows.end; ++i) {
                int tap = (h + g.padding_h - i * g.stride_h) * g.WW + w + g.padding_w -
                          columns.begin * g.stride_w;
                std::ptrdiff_t at = (std::ptrdiff_t(i) * g.W_out + columns.begin) * C;
                for (int j = columns.begin; j < columns.end; ++j) {
                    sum += read_index(which + at) == tap ? read(dout + at) : Vector<T>{};
                    tap -= g.stride_w;
                    at += C;
                }
            }
            return sum;
        };
        int c = 0;
        // main loop
        for (; c + lanes<T> <= C; c += lanes<T>)
            store(dx + c, collect([=](const T* p) { return load(p + c); },
                                  [=](const Index* p) { return load_small<T>(p + c); }));
        // tail
        const int left = C - c;
        if (left)
            store_first(dx + c,
                        collect([=](const T* p) { return load_first(p + c, left); },
                                [=](const Index* p) { return load_first_small<T>(p + c, left); }),
                        left);
    }
}

}  // namespace

template <class T, class Index>
void largest_backward(const Pool2d& g, const T* dout, const Index* which, T* dx, int begin,
                      int end) {
    const bool apart = g.stride_h == g.HH && g.stride_w == g.WW && !g.padding_h && !g.padding_w;
    if (apart)
        spread_rows(g, dout, which, dx, begin, end);
    else
        for (int h = begin; h < end; ++h) collect_row(g, dout, which, dx, h);
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
        auto average = [&](auto read) CNN_LAMBDA {
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
        auto collect = [&](auto read) CNN_LAMBDA {
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
    template void largest(const Pool2d&, const PoolSource<T>&, T*, Index*, int);              \
    template void largest_backward(const Pool2d&, const T*, const Index*, T*, int, int);
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
