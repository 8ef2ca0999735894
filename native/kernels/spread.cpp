// The gradient towards images with few channels, spread pixel by pixel.
//
//   dx[i*s + u*d - p, j*s + v - p, c] += Σ_f dout[i, j, f] · w[f, c, u, v]
//
// Plan. As a correlation (kernels/correlation.cpp) it would have C filters, and with C = 1,
// 3 or 6 most lanes of a register would be empty. But for one row u of the window the WW*C
// numbers that a pixel of dout reaches are neighbours in dx:
//
//   for each row of dout and each u: row[j][v*C + c] = Σ_f dout[j][f] · w[f][v*C + c],
//   a matrix product by the same tile as everywhere, then added to dx at its places.
//
// Neighbouring pixels overlap in dx. Adding in steps of the window keeps a load from
// waiting for a store that covers it half. The border is added to as well and left behind
// when the image is copied out.
#include "kernels/spread.hpp"

#include "kernels/kernels.hpp"
#include "kernels/tile.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

template <class T> void pack(const Spread& p, const T* w, T* packed) {
    for (int u = 0; u < p.HH; ++u)
        for (int f = 0; f < p.F; ++f, packed += p.width) {
            for (int k = 0; k < p.width; ++k) packed[k] = 0;
            for (int v = 0; v < p.WW; ++v)
                for (int c = 0; c < p.C; ++c)
                    packed[v * p.C + c] = w[((std::ptrdiff_t(f) * p.C + c) * p.HH + u) * p.WW + v];
        }
}

// at[0 .. n-1] += from[0 .. n-1]
template <class T> CNN_INLINE void add_to(T* at, const T* from, int n) {
    int k = 0;
    for (; k + lanes<T> <= n; k += lanes<T>) store(at + k, load(at + k) + load(from + k));
    if (k < n) store_first(at + k, load_first(at + k, n - k) + load(from + k), n - k);
}

template <class T>
void image(const Spread& p, const T* dout, const T* packed, const T* bias, T* dx, T* workspace) {
    const std::ptrdiff_t row = std::ptrdiff_t(p.columns()) * p.C;
    const int reach = p.WW * p.C, pixel = p.stride_w * p.C;
    T* sums = workspace;
    T* products = workspace + p.rows() * row;
    for (std::ptrdiff_t k = 0; k < p.rows() * row; ++k) sums[k] = 0;

    const Pieces pieces(p.W_out, tile_rows);
    const bool wide = p.width == tile_vectors * lanes<T>;
    const Walk walk{p.F, 0, 0, 1, 1, p.F, 0, 0};
    // pixels this far apart do not overlap
    const int apart = p.stride_w >= p.WW ? 1 : (p.WW + p.stride_w - 1) / p.stride_w;
    for (int i = 0; i < p.H_out; ++i, dout += std::ptrdiff_t(p.W_out) * p.F)
        for (int u = 0; u < p.HH; ++u) {
            const T* w = packed + std::ptrdiff_t(u) * p.F * p.width;
            for (int k = 0; k < pieces.count; ++k) {
                const int j = pieces.start(k);
                const Target<T> to{products + std::ptrdiff_t(j) * p.width, p.width, nullptr,
                                   p.width, false, false};
                tile_of<T>(pieces.length(k), wide)(dout + std::ptrdiff_t(j) * p.F, w, walk, to);
            }
            T* at = sums + (i * p.stride_h + u * p.dilation_h) * row;
            for (int first = 0; first < apart; ++first)
                for (int j = first; j < p.W_out; j += apart)
                    add_to(at + std::ptrdiff_t(j) * pixel,
                           products + std::ptrdiff_t(j) * p.width, reach);
        }

    for (int h = 0; h < p.H; ++h)
        for (int q = 0; q < p.W; ++q, dx += p.C) {
            const int r = h + p.padding_h, s = q + p.padding_w;
            const bool reached = r < p.rows() && s < p.columns();
            const T* from = sums + r * row + std::ptrdiff_t(s) * p.C;
            for (int c = 0; c < p.C; ++c)
                dx[c] = (reached ? from[c] : T(0)) + (bias ? bias[c] : T(0));
        }
}

}  // namespace

const SpreadKernels<float> spread_f32 = {pack<float>, image<float>};
const SpreadKernels<double> spread_f64 = {pack<double>, image<double>};

}  // namespace cnn::CNN_LEVEL
