// The outer product of pixels and filters that a direct convolution is made of.
//
//   out[m][f] = b[f] + Σ_{u, s, k} x[m][u*row + s*segment + k] · w[u][s][k][f]
//
// All sums stay in registers. A step costs NV vector loads of filters and MR broadcasts of
// numbers for MR*NV products, so that the multipliers and not the loads set the pace. Each
// pixel is found by an address of its own: a tile goes on in the next image where a row
// ends, so that maps narrower than a tile fill it all the same.
#pragma once

#include "kernels/relu.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

// Where the pixels of a tile lie.
template <class T> struct Pixels {
    const T* x[tile_rows];
    T* out[tile_rows];
    std::ptrdiff_t step = 0;  // from each x to the next, where that is the same everywhere; or 0

    // count pixels of one row, as m, m+1, ...
    CNN_INLINE void set(int m, int count, const T* from, std::ptrdiff_t from_step, T* to,
                        std::ptrdiff_t to_step) {
        for (int k = 0; k < count; ++k) x[m + k] = from + k * from_step;
        for (int k = 0; k < count; ++k) out[m + k] = to + k * to_step;
    }
};

// A window as the tile walks over it, in numbers from where each pixel's begins.
template <class T> struct Window {
    std::ptrdiff_t begin, row;        // the first number; from a row to the next
    std::ptrdiff_t segment;           // from a contiguous piece of a row to the next
    int HH, segments, length;         // rows, pieces of a row, numbers of a piece
    std::ptrdiff_t w_row, w_segment;  // the same steps in the packed filters
    const T* ahead;                   // what is wanted next from memory
    std::ptrdiff_t ahead_step;        // in it, for each number of the window
};

// Where one panel of filters goes.
template <class T> struct Panel {
    std::ptrdiff_t at;  // in each pixel of the result
    int filters;        // that exist
    const T* bias;      // of this panel, or null
    Relu<T> relu;
    bool past_caches;
    const T* addend;    // to all that lies at `base`, added before the ReLU, or null
    const T* base;
};

// With one register of filters, fetching addresses costs as much as the products: pixels `evenly`
// apart have one of three, which reaches 0, 1 and 2 pixels on, and what is wanted next.
template <class T, int MR, int NV, bool evenly>
void pixel_tile(const Pixels<T>& pixels, const T* w, const Window<T>& window, const Panel<T>& to) {
    constexpr int reach = evenly ? 3 : 1, n_bases = (MR + reach - 1) / reach;
    const std::ptrdiff_t step = evenly ? pixels.step : 0;
    const T* x[n_bases];
#pragma GCC unroll 16
    for (int i = 0; i < n_bases; ++i) x[i] = pixels.x[reach * i] + window.begin;
    LaneMask<T> masks[NV];
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) {
        const int left = to.filters - v * lanes<T>;
        masks[v] = lane_mask<T>(left < 0 ? 0 : smaller(left, lanes<T>));
    }
    Vector<T> sums[MR][NV];
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) {
        const Vector<T> bias =
            to.bias ? load_masked<T>(to.bias + v * lanes<T>, masks[v]) : Vector<T>{};
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m) sums[m][v] = bias;
    }
    const T* ahead = window.ahead;
    for (int u = 0; u < window.HH; ++u) {
        for (int s = 0; s < window.segments; ++s) {
            const T* filter = w + u * window.w_row + s * window.w_segment;
            const std::ptrdiff_t begin = u * window.row + s * window.segment;
            // main loop
            for (std::ptrdiff_t k = begin; k < begin + window.length; ++k) {
                Vector<T> filters[NV];
#pragma GCC unroll 8
                for (int v = 0; v < NV; ++v) {
                    filters[v] = load(filter + v * lanes<T>);
                    keep_in_register<T>(filters[v]);
                }
#pragma GCC unroll 16
                for (int m = 0; m < MR; ++m) {
                    const T value = *(x[m / reach] + m % reach * step + k);
#pragma GCC unroll 8
                    for (int v = 0; v < NV; ++v) sums[m][v] += filters[v] * value;
                }
                filter += NV * lanes<T>;
                if constexpr (NV > 1 || evenly) {
                    __builtin_prefetch(ahead);
                    ahead += window.ahead_step;
                }
            }
        }
    }
    T* out[MR];
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m) out[m] = pixels.out[m] + to.at;
    if (to.addend) {
        const T* const addend = to.addend;
        const T* const base = to.base;
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v)
                sums[m][v] += load_masked<T>(addend + (out[m] - base) + v * lanes<T>, masks[v]);
    }
    if (to.relu.on) {
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) sums[m][v] = relu<T>(sums[m][v]);
        if (to.relu.capped) {
            const T ceiling = to.relu.ceiling;
#pragma GCC unroll 16
            for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
                for (int v = 0; v < NV; ++v) sums[m][v] = at_most<T>(sums[m][v], ceiling);
        }
    }
    if (to.filters < NV * lanes<T>) {
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v)
                store_masked<T>(out[m] + v * lanes<T>, sums[m][v], masks[v]);
    } else if (to.past_caches) {
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) store_past_caches(out[m] + v * lanes<T>, sums[m][v]);
    } else {
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) store(out[m] + v * lanes<T>, sums[m][v]);
    }
}

template <class T>
using PixelTile = void (*)(const Pixels<T>&, const T*, const Window<T>&, const Panel<T>&);

template <class T, int NV, bool evenly, int... M>
CNN_INLINE PixelTile<T> one_of_pixel_tiles(int pixels) {
    static constexpr PixelTile<T> table[] = {pixel_tile<T, M, NV, evenly>...};
    return table[pixels - 1];
}

template <class T, int NV, bool evenly> CNN_INLINE PixelTile<T> pixel_tile_of(int pixels) {
    if constexpr (tile_rows == 14)
        return one_of_pixel_tiles<T, NV, evenly, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>(
            pixels);
    else return one_of_pixel_tiles<T, NV, evenly, 1, 2, 3, 4, 5, 6>(pixels);
}

template <class T> CNN_INLINE PixelTile<T> pixel_tile_of(int pixels, bool wide, bool evenly) {
    return wide     ? pixel_tile_of<T, tile_vectors, false>(pixels)
           : evenly ? pixel_tile_of<T, 1, true>(pixels)
                    : pixel_tile_of<T, 1, false>(pixels);
}

}  // namespace cnn::CNN_LEVEL
