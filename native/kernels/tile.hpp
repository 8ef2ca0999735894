// The two outer products that convolutions and matrix products are made of.
//
//   tile:       MR pixels x NV registers of filters, over the taps of a window
//   outer_tile: MR numbers x NV registers, over pixels: inputs and filters, or the reverse
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
struct Steps {
    std::ptrdiff_t pixel, row, image;
};

struct Field {
    Steps scalars, vectors;  // in what is broadcast, and in what is loaded as registers
    int images, rows, columns;
    bool add;  // to the sums that are there; or write them for the first time
    bool vectors_ahead = false;
    std::ptrdiff_t ahead = 0;  // from the scalars, or the vectors, to what is read next
};

// Rows of a tile of some registers, with what is loaded and one number that is broadcast.
constexpr int most_outer_vectors = 4;
constexpr int outer_rows(int vectors) {
    const int rows = (vector_registers - 1 - vectors) / vectors;
    return rows < 14 ? rows : 14;
}

// Few sums are kept for every second or fourth pixel by themselves, so that an addition need
// not wait for the one before.
template <class T, int MR, int NV>
void outer_tile(const T* s, const T* v, const Field& field, T* sums_at) {
    constexpr int apart = MR * NV >= 8 ? 1 : MR * NV >= 4 ? 2 : 4;
    Vector<T> sums[apart][MR][NV] = {};
    const std::ptrdiff_t pixel = field.scalars.pixel, next = field.vectors.pixel;
    const Steps row_end{0, field.scalars.row - field.columns * pixel,
                        field.scalars.image - field.rows * field.scalars.row};
    const Steps vector_end{0, field.vectors.row - field.columns * next,
                           field.vectors.image - field.rows * field.vectors.row};
    const bool of_vectors = field.vectors_ahead;
    for (int n = 0; n < field.images; ++n, s += row_end.image, v += vector_end.image)
        for (int i = 0; i < field.rows; ++i, s += row_end.row, v += vector_end.row) {
            const T* ahead = (of_vectors ? v : s) + field.ahead;
            const std::ptrdiff_t ahead_pixel = of_vectors ? next : pixel;
            auto add = [&](Vector<T>(*to)[NV]) CNN_LAMBDA {
                Vector<T> here[NV];
#pragma GCC unroll 8
                for (int k = 0; k < NV; ++k) here[k] = load(v + k * lanes<T>);
#pragma GCC unroll 16
                for (int m = 0; m < MR; ++m) {
                    const T value = s[m];
#pragma GCC unroll 8
                    for (int k = 0; k < NV; ++k) to[m][k] += here[k] * value;
                }
                __builtin_prefetch(ahead);
                ahead += ahead_pixel;
                s += pixel;
                v += next;
            };
            int j = 0;
            // main loop
            for (; j + apart <= field.columns; j += apart) {
#pragma GCC unroll 4
                for (int p = 0; p < apart; ++p) add(sums[p]);
            }
            if constexpr (apart > 1)
                for (; j < field.columns; ++j) add(sums[0]);
        }
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
        for (int k = 0; k < NV; ++k) {
#pragma GCC unroll 4
            for (int p = 1; p < apart; ++p) sums[0][m][k] += sums[p][m][k];
            T* at = sums_at + (m * NV + k) * lanes<T>;
            if (field.add) sums[0][m][k] += load(at);
            store(at, sums[0][m][k]);
        }
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
        static constexpr OuterTile<T> table[] = {
            outer_tile<T, (M < outer_rows(NV) ? M : outer_rows(NV)), NV>...};
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

// At most outer_rows(vectors) rows.
template <class T> CNN_INLINE OuterTile<T> outer_tile_of(int rows, int vectors) {
    switch (vectors) {
        case 1: return UpTo<14>::outer_tile_of<T, 1>(rows);
        case 2: return UpTo<14>::outer_tile_of<T, 2>(rows);
        case 3: return UpTo<14>::outer_tile_of<T, 3>(rows);
        default: return UpTo<14>::outer_tile_of<T, 4>(rows);
    }
}

}  // namespace cnn::CNN_LEVEL
