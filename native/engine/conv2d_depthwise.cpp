// Depthwise convolutions: an item is some rows of an image.
#include <algorithm>

#include "dispatch/dispatch.hpp"
#include "engine/depthwise.hpp"
#include "engine/stores.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size close_bytes = 192 << 10;  // what the copied rows of an item may take of L2
constexpr int rows_at_a_time = 6;        // of a tile: fewer are less work for each load

// 1×1 filters at every pixel: an image is one row.
void flatten_rows(Correlation& c) {
    if (c.N < 8 || c.HH != 1 || c.WW != 1 || c.stride_h != 1 || c.stride_w != 1 || c.pad_top ||
        c.pad_left || c.H != c.H_out || c.W != c.W_out || c.out_pixel != c.C ||
        c.out_row != Size(c.W) * c.C)
        return;
    c.out_row *= c.H;
    c.W = c.W_out = c.H * c.W;
    c.H = c.H_out = 1;
}

}  // namespace

template <class T> bool depthwise_fits(const Correlation& c) {
    return c.groups == c.C && c.C == c.F && c.HH <= depthwise_most_taps &&
           c.WW <= depthwise_most_taps;
}

template <class T>
bool depthwise_correlation(Correlation c, const T* x, const T* w, const FilterSteps& steps,
                           const Epilogue<T>& epilogue, T* out, PackedFilters<T>* kept) {
    const auto& kernel = *kernels<T>().depthwise;
    const int lanes = kernels<T>().lanes;
    const Size pitch = depthwise_pitch(c.C, lanes);
    const Size packed_size = Size(c.HH) * c.WW * pitch;
    const FiltersOfCall<T> packed(kept, Packing::depthwise, packed_size + 1, [&](T* to) {
        kernel.pack(c, w, steps, to);
    });
    if (packed[packed_size] == 0) return false;

    Workspace bias((pitch + 64) * sizeof(T));
    CorrelationArrays<T> arrays{x, packed, out, epilogue};
    if (epilogue.bias) {
        T* line = bias.as<T>();
        for (Size k = 0; k < pitch; ++k) line[k] = k < c.C ? epilogue.bias[k] : line[k - c.C];
        arrays.epilogue.bias = line;
    }
    const Size row = Size(c.C) * Size(sizeof(T));
    arrays.epilogue.past_caches = depthwise_flat(c) && c.C >= lanes && c.C % lanes == 0 &&
                                  past_caches(out, Size(c.N) * c.H_out * c.W_out * row, row);
    flatten_rows(c);
    const int threads = n_threads();
    int rows = c.H_out;
    auto items = [&] { return Size(c.N) * ceil_div(c.H_out, rows); };
    auto halve = [&] {  // to whole strips, while there are several
        rows = (rows + 1) / 2;
        if (rows > rows_at_a_time) rows = ceil_div(rows, rows_at_a_time) * rows_at_a_time;
    };
    while (rows > rows_at_a_time && items() < 8 * threads) halve();
    while (rows > 2 && items() < 2 * threads) halve();
    while (rows > 1 && depthwise_workspace(c, rows, lanes) * Size(sizeof(T)) > close_bytes) halve();

    const Size per_worker = aligned(depthwise_workspace(c, rows, lanes) + 64);
    Workspace workspace(per_worker * threads * sizeof(T));
    const int blocks = ceil_div(c.H_out, rows);
    parallel_for(c.N * blocks, [&](int k, int worker) {
        const int n = k / blocks, i = k % blocks * rows;
        const CorrelationItem item{n, n + 1, i, std::min(i + rows, c.H_out), 0, 0};
        kernel.correlate(c, arrays, item, workspace.as<T>() + worker * per_worker);
    }, threads);
    return true;
}

#define CNN_INSTANTIATE(T)                                                                     \
    template bool depthwise_fits<T>(const Correlation&);                                       \
    template bool depthwise_correlation(Correlation, const T*, const T*, const FilterSteps&,   \
                                        const Epilogue<T>&, T*, PackedFilters<T>*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
