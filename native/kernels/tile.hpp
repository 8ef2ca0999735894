// An outer product in registers: MR inputs x NV registers of filters, over pixels.
//
// All sums stay in registers. A step costs NV vector loads and MR broadcasts for MR*NV
// products, so that the multipliers and not the loads set the pace.
#pragma once

#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

// Pixels as the outer tile walks over them.
struct Field {
    std::ptrdiff_t pixel;  // from one to the next, in x
    int count;
    bool add;  // to the sums that are there; or write them for the first time
};

template <class T, int MR, int NV>
void outer_tile(const T* x, const T* d, const Field& field, T* sums_at) {
    Vector<T> sums[MR][NV] = {};
    // main loop
    for (int j = 0; j < field.count; ++j) {
        Vector<T> dout[NV];
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) dout[v] = load(d + v * lanes<T>);
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m) {
            const T value = x[m];
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) sums[m][v] += dout[v] * value;
        }
        x += field.pixel;
        d += NV * lanes<T>;
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
