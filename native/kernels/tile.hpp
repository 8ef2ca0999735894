// An outer product in registers, and how a tile's sums end.
//
//   outer_tile: MR inputs x NV registers of filters, over pixels
//   finish:     bias, addend and ReLU of one pixel's sums, on their way to memory
//
// All sums stay in registers. A step costs NV vector loads and MR broadcasts for MR*NV
// products, so that the multipliers and not the loads set the pace.
#pragma once

#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

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

template <class T> using OuterTile = void (*)(const T*, const T*, const Field&, T*);

template <int... M> struct Sizes {
    template <class T, int NV> static CNN_INLINE OuterTile<T> outer_tile_of(int rows) {
        static constexpr OuterTile<T> table[] = {outer_tile<T, M, NV>...};
        return table[rows - 1];
    }
};

template <int most> struct UpTo;
template <> struct UpTo<6> : Sizes<1, 2, 3, 4, 5, 6> {};
template <> struct UpTo<14> : Sizes<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14> {};

template <class T> CNN_INLINE OuterTile<T> outer_tile_of(int rows, bool wide) {
    return wide ? UpTo<tile_rows>::outer_tile_of<T, tile_vectors>(rows)
                : UpTo<tile_rows>::outer_tile_of<T, 1>(rows);
}

}  // namespace cnn::CNN_LEVEL
