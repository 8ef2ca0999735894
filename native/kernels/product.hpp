// A tile of a product of matrices whose right side may lie far away.
//
//   out[m][f] = Σ_k x[m][k] · w[k][f],   m < MR, f < NV registers
//
// All sums stay in registers. With few rows a panel of w is used a few
// times only before the next is wanted, from L3 or from memory: so while one panel is
// multiplied, the next is asked for, `lines` cache lines a step.
#pragma once

#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

template <class T> struct Product {
    const T* x;
    std::ptrdiff_t x_row;
    const T* w;
    int length;      // k
    const T* ahead;  // what is asked for at step 0; the next steps' lie as w's do
    T* out;
    std::ptrdiff_t out_row;
};

// Cache lines that a step takes from w.
template <class T, int NV> constexpr int lines_a_step = (NV * CNN_VECTOR_BYTES + 63) / 64;

template <class T, int MR, int NV, int lines> void product_tile(const Product<T>& p) {
    Vector<T> sums[MR][NV] = {};
    constexpr int n_bases = (MR + 2) / 3;  // an address reaches 0, 1 and 2 rows on
    constexpr int line = 64 / static_cast<int>(sizeof(T));
    const std::ptrdiff_t row = p.x_row;
    const T* base[n_bases];
#pragma GCC unroll 8
    for (int i = 0; i < n_bases; ++i) base[i] = p.x + 3 * i * row;
    const T* w = p.w;
    const T* ahead = p.ahead;
    // main loop
    for (int k = 0; k < p.length; ++k) {
        Vector<T> right[NV];
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) right[v] = load(w + v * lanes<T>);
#pragma GCC unroll 4
        for (int l = 0; l < lines; ++l) __builtin_prefetch(ahead + l * line, 0, 2);
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m) {
            const T value = *(base[m / 3] + (m % 3) * row);
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) sums[m][v] += right[v] * value;
        }
#pragma GCC unroll 8
        for (int i = 0; i < n_bases; ++i) ++base[i];
        w += NV * lanes<T>;
        ahead += NV * lanes<T>;
    }
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) store(p.out + m * p.out_row + v * lanes<T>, sums[m][v]);
}

template <class T> using ProductTile = void (*)(const Product<T>&);

template <int... M> struct ProductSizes {
    template <class T, int NV, int lines> static CNN_INLINE ProductTile<T> tile_of(int rows) {
        static constexpr ProductTile<T> table[] = {product_tile<T, M, NV, lines>...};
        return table[rows - 1];
    }
};

template <int most> struct ProductUpTo;
template <> struct ProductUpTo<6> : ProductSizes<1, 2, 3, 4, 5, 6> {};
template <>
struct ProductUpTo<14> : ProductSizes<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14> {};

// All rows of x by one panel of w, while the panel at `next` is asked for: by the first
// pieces, a line of each step each, or all lines by the only piece.
template <class T, int NV>
CNN_INLINE void product_panel(Product<T> p, int rows, const T* next) {
    constexpr int lines = lines_a_step<T, NV>, line = 64 / static_cast<int>(sizeof(T));
    const Pieces pieces(rows, tile_rows);
    const bool one_each = pieces.count >= lines;
    for (int k = 0; k < pieces.count; ++k) {
        const int MR = pieces.length(k);
        p.ahead = k < lines ? next + k * line : p.w;
        if (one_each) ProductUpTo<tile_rows>::tile_of<T, NV, 1>(MR)(p);
        else ProductUpTo<tile_rows>::tile_of<T, NV, lines>(MR)(p);
        p.x += MR * p.x_row;
        p.out += MR * p.out_row;
    }
}

}  // namespace cnn::CNN_LEVEL
