// Convolutions with 1×1 windows of few channels: which they are, and lines of their pixels.
#include "engine/pointwise.hpp"

#include <algorithm>

#include "dispatch/dispatch.hpp"
#include "engine/stores.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size line_bytes = 24 << 10;  // of x and the result: they stay in L1 for all blocks
constexpr Size item_bytes = 64 << 10;

// Where the result lies as its pixels follow one another.
bool is_pointwise(const Correlation& c) {
    if (c.HH != 1 || c.WW != 1 || c.pad_top || c.pad_left) return false;
    if (c.N < 1 || c.H_out < 1 || c.W_out < 1 || c.F < 1 || c.C < 1 || c.W_last) return false;
    if ((c.H_out - 1) * Size(c.stride_h) >= c.H || (c.W_out - 1) * Size(c.stride_w) >= c.W)
        return false;
    return c.C_group() <= most_pointwise_channels && c.out_pixel == c.F &&
           c.out_row == Size(c.W_out) * c.F && c.out_image == c.H_out * c.out_row;
}

template <class T> bool plan(const Correlation& c, Pointwise& p) {
    const int lanes = kernels<T>().lanes, source = kernels<T>().permuted_lanes;
    if (!is_pointwise(c)) return false;
    p.C = c.C, p.F = c.F, p.C_group = c.C_group(), p.F_group = c.F_group();
    p.x_pixel = Size(c.stride_w) * c.C;
    p.pixels = 1;
    if (c.F < lanes && c.C <= source)
        p.pixels = static_cast<int>(std::clamp<Size>(
            1 + (source - c.C) / p.x_pixel, 1, std::min(lanes / c.F, c.W_out)));
    p.blocks = ceil_div(c.F, lanes);
    Size most = 0;
    for (int b = 0; b < p.blocks; ++b) {
        const int f = p.first_filter(b, lanes);
        const int channels = p.channels_of(f, std::min(c.F - f, lanes)).count;
        most = std::max(most, (p.pixels - 1) * p.x_pixel + channels);
    }
    if (most > source) return false;
    p.source = static_cast<int>(most);

    const Size number = Size(sizeof(T));
    if (c.stride_h == 1 && c.stride_w == 1 && c.H == c.H_out && c.W == c.W_out) {
        const Size pixels = Size(c.N) * c.H * c.W;
        const Size near = line_bytes / number / (c.C + c.F), shared = pixels / (8 * n_threads());
        p.length = static_cast<int>(std::clamp<Size>(std::min(near, shared), 16, 1 << 16));
        p.length = p.length / p.pixels * p.pixels;
        if (p.length > pixels) p.length = static_cast<int>(pixels);
        p.lines = ceil_div(pixels, p.length);
        p.last = static_cast<int>(pixels - Size(p.lines - 1) * p.length);
        p.rows = 1, p.x_row = 0, p.x_image = Size(p.length) * c.C;
    } else {
        p.length = p.last = c.W_out;
        p.rows = c.H_out, p.lines = c.N * c.H_out;
        p.x_row = Size(c.stride_h) * c.W * c.C, p.x_image = Size(c.H) * c.W * c.C;
    }
    const Size line = Size(p.length) * c.F * number;
    p.staging = p.lines * line >= larger_than_caches && line >= 1024
                    ? aligned(Size(p.length) * c.F + 64) : 0;
    return true;
}

}  // namespace

template <class T> bool pointwise_fits(const Correlation& c) {
    Pointwise p{};
    return plan<T>(c, p);
}

template <class T>
bool pointwise_correlation(const Correlation& c, const T* x, const T* w, const FilterSteps& steps,
                           const Epilogue<T>& epilogue, T* out, PackedFilters<T>* kept) {
    Pointwise p{};
    if (!plan<T>(c, p)) return false;
    const auto& kernel = *kernels<T>().pointwise;
    const Size packed_size = p.blocks * p.block_size(kernels<T>().lanes);
    const FiltersOfCall<T> packed(kept, Packing::pointwise, packed_size, [&](T* to) {
        for (int b = 0; b < p.blocks; ++b) kernel.pack(p, w, steps, to, b);
    });
    const Size line = Size(p.length) * (c.C + c.F) * Size(sizeof(T));
    const int threads = n_threads();
    const int at_once = static_cast<int>(
        std::clamp<Size>(item_bytes / line, 1, std::max(p.lines / (8 * threads), 1)));
    Workspace workspace((p.staging * threads + 64) * sizeof(T));
    const CorrelationArrays<T> arrays{x, packed, out, epilogue};
    parallel_for(ceil_div(p.lines, at_once), [&](int k, int worker) {
        kernel.correlate(p, arrays, k * at_once, std::min((k + 1) * at_once, p.lines),
                         workspace.as<T>() + worker * p.staging);
    }, threads);
    return true;
}

#define CNN_INSTANTIATE(T)                                                                      \
    template bool pointwise_fits<T>(const Correlation&);                                        \
    template bool pointwise_correlation(const Correlation&, const T*, const T*,                 \
                                        const FilterSteps&, const Epilogue<T>&, T*,             \
                                        PackedFilters<T>*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
