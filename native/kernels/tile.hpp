// The two outer products that convolutions and matrix products are made of.
//
//   tile:       MR pixels x NV registers of filters, over the taps of a window
//   outer_tile: MR inputs x NV registers of filters, over pixels
//
// All sums stay in registers. A step costs NV vector loads and MR broadcasts for MR*NV
// products, so that the multipliers and not the loads set the pace.
#pragma once

#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

// A window's rows as the tile walks over them.
struct Walk {
    std::ptrdiff_t pixel;       // from a pixel of the tile to the next, in the source
    std::ptrdiff_t row;         // from a row of the window to the next
    std::ptrdiff_t segment;     // from a contiguous piece of such a row to the next
    int HH, segments, length;   // rows, pieces of a row, numbers of a piece
    std::ptrdiff_t w_row, w_segment;  // the same steps in the packed filters
    bool side_by_side = false;  // one tap, and each pixel begins where the one before ends
};

template <class T> struct Target {
    T* out;
    std::ptrdiff_t pixel;
    const T* bias;  // of this panel, or null
    int filters;    // of this panel that exist
    Relu<T> relu;
    bool past_caches;
    const T* addend = nullptr;  // what is added to `out` before the ReLU, or null
};

template <class T, int NV> CNN_INLINE void finish(T* p, Vector<T>* sums, const Target<T>& to) {
    const T* addend = to.addend ? to.addend + (p - to.out) : nullptr;
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) {
        const int left = to.filters - v * lanes<T>;
        if (left >= lanes<T>) {
            if (to.bias) sums[v] += load(to.bias + v * lanes<T>);
            if (addend) sums[v] += load(addend + v * lanes<T>);
            sums[v] = cut_off<T>(sums[v], to.relu);
            if (to.past_caches) store_past_caches(p + v * lanes<T>, sums[v]);
            else store(p + v * lanes<T>, sums[v]);
        } else if (left > 0) {
            if (to.bias) sums[v] += load_first(to.bias + v * lanes<T>, left);
            if (addend) sums[v] += load_first(addend + v * lanes<T>, left);
            store_first(p + v * lanes<T>, cut_off<T>(sums[v], to.relu), left);
        }
    }
}

template <class T, int MR, int NV>
void tile(const T* x, const T* w, const Walk& walk, const Target<T>& to) {
    Vector<T> sums[MR][NV] = {};
    constexpr int n_bases = (MR + 2) / 3;  // an address reaches 0, 1 and 2 pixels on
    const std::ptrdiff_t pixel = walk.pixel;
    // what the next tile reads, a line a step, where it lies behind this one; else no news
    const T* next = walk.side_by_side ? x + MR * pixel : x;
    const int fetched = walk.side_by_side ? MR : 0;
    for (int u = 0; u < walk.HH; ++u) {
        for (int s = 0; s < walk.segments; ++s) {
            const T* base[n_bases];
#pragma GCC unroll 8
            for (int i = 0; i < n_bases; ++i)
                base[i] = x + u * walk.row + s * walk.segment + 3 * i * pixel;
            const T* filter = w + u * walk.w_row + s * walk.w_segment;
            // main loop
            for (int k = 0; k < walk.length; ++k) {
                Vector<T> filters[NV];
#pragma GCC unroll 8
                for (int v = 0; v < NV; ++v) filters[v] = load(filter + v * lanes<T>);
#pragma GCC unroll 16
                for (int m = 0; m < MR; ++m) {
                    const T value = *(base[m / 3] + (m % 3) * pixel);
#pragma GCC unroll 8
                    for (int v = 0; v < NV; ++v) sums[m][v] += filters[v] * value;
                }
#pragma GCC unroll 8
                for (int i = 0; i < n_bases; ++i) ++base[i];
                filter += NV * lanes<T>;
                if constexpr (NV > 1) {
                    __builtin_prefetch(next);
                    next += fetched;
                }
            }
        }
    }
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m) finish<T, NV>(to.out + m * to.pixel, sums[m], to);
}

// Pixels as the outer tile walks over them.
struct Field {
    std::ptrdiff_t pixel, row;  // steps in x from an output pixel or row to the next
    int rows, columns;
    bool add;  // to the sums that are there; or write them for the first time
    std::ptrdiff_t ahead = 0;  // in x, to what is read next from memory
};

template <class T, int MR, int NV>
void outer_tile(const T* x, const T* d, const Field& field, T* sums_at) {
    Vector<T> sums[MR][NV] = {};
    for (int i = 0; i < field.rows; ++i) {
        const T* source = x + i * field.row;
        // main loop
        for (int j = 0; j < field.columns; ++j) {
            Vector<T> dout[NV];
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) dout[v] = load(d + v * lanes<T>);
#pragma GCC unroll 16
            for (int m = 0; m < MR; ++m) {
                const T value = source[m];
#pragma GCC unroll 8
                for (int v = 0; v < NV; ++v) sums[m][v] += dout[v] * value;
            }
            if constexpr (NV > 1) __builtin_prefetch(source + field.ahead);
            source += field.pixel;
            d += NV * lanes<T>;
        }
    }
    if (field.add) {
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) sums[m][v] += load(sums_at + (m * NV + v) * lanes<T>);
    }
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) store(sums_at + (m * NV + v) * lanes<T>, sums[m][v]);
}

// --- the tile of a size -------------------------------------------------------------------

template <class T> using Tile = void (*)(const T*, const T*, const Walk&, const Target<T>&);
template <class T> using OuterTile = void (*)(const T*, const T*, const Field&, T*);

template <int... M> struct Sizes {
    template <class T, int NV> static CNN_INLINE Tile<T> tile_of(int rows) {
        static constexpr Tile<T> table[] = {tile<T, M, NV>...};
        return table[rows - 1];
    }
    template <class T, int NV> static CNN_INLINE OuterTile<T> outer_tile_of(int rows) {
        static constexpr OuterTile<T> table[] = {outer_tile<T, M, NV>...};
        return table[rows - 1];
    }
};

template <int most> struct UpTo;
template <> struct UpTo<6> : Sizes<1, 2, 3, 4, 5, 6> {};
template <> struct UpTo<14> : Sizes<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14> {};

template <class T> CNN_INLINE Tile<T> tile_of(int rows, bool wide) {
    return wide ? UpTo<tile_rows>::tile_of<T, tile_vectors>(rows)
                : UpTo<tile_rows>::tile_of<T, 1>(rows);
}

template <class T> CNN_INLINE OuterTile<T> outer_tile_of(int rows, bool wide) {
    return wide ? UpTo<tile_rows>::outer_tile_of<T, tile_vectors>(rows)
                : UpTo<tile_rows>::outer_tile_of<T, 1>(rows);
}

}  // namespace cnn::CNN_LEVEL
