// Convolutions by the direct kernels: geometry, packing of filters, partition.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>

#include "dispatch/dispatch.hpp"
#include "engine/conv2d.hpp"
#include "engine/geometry.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size close_bytes = 256 << 10;   // what an item's rows may take of L2
constexpr Size panels_bytes = 512 << 10;  // filters up to here stay in L2 beside them

struct Extent {
    int rows, width;  // of the padded source under some rows of the result
};

Extent extent(const Correlation& c, int rows_out) {
    return {(rows_out - 1) * c.stride_h + (c.HH - 1) * c.dilation_h + 1,
            (c.W_out - 1) * c.stride_w + (c.WW - 1) * c.dilation_w + 1};
}

// Whether the border's zeros are part of the op, as forward's padding is, or stand for
// nothing at all.
enum class Border { zeros, nothing };

template <class T>
void run(Correlation c, const T* x, const T* w, const FilterSteps& steps,
         const Epilogue<T>& epilogue, Border border, T* out) {
    flatten_pixels(c, 56);
    if (c.N <= 0 || c.H_out <= 0 || c.W_out <= 0 || c.F == 0) return;
    const auto& kernel = kernels<T>();
    const Panels panels = panels_of<T>(c);
    const int n_panels = c.groups * panels.count;
    const Size packed_size = c.groups * panels.group_size();

    Workspace packed((packed_size + 64) * sizeof(T));
    std::atomic<bool> finite{true};
    parallel_for(n_panels, [&](int p, int) {
        if (!kernel.pack_filters(c, panels, w, steps, packed.as<T>(), p)) finite = false;
    });
    const auto correlate =
        border == Border::nothing && !finite ? kernel.correlate_inside : kernel.correlate;

    // rows of an image at a time, or several images where the filters are many
    const int threads = n_threads();
    const Size row_bytes = Size(extent(c, 1).width) * c.C * sizeof(T);
    int rows = c.H_out, images = 1;
    while (rows > 1 && extent(c, rows).rows * row_bytes > close_bytes) rows = (rows + 1) / 2;
    if (rows == c.H_out && packed_size * Size(sizeof(T)) > panels_bytes)
        images = std::clamp(ceil_div(192, Size(c.H_out) * c.W_out), 1, c.N);
    while (rows > 2 && ceil_div(c.H_out, rows) * Size(c.N) < 8 * threads) rows = (rows + 1) / 2;
    const int row_blocks = ceil_div(c.H_out, rows), image_blocks = ceil_div(c.N, images);
    const int blocks = row_blocks * image_blocks;
    const int splits = std::min(n_panels, blocks < 4 * threads ? ceil_div(4 * threads, blocks) : 1);
    const int span = ceil_div(n_panels, splits), panel_blocks = ceil_div(n_panels, span);

    const Extent most = extent(c, rows);
    const Size per_worker = aligned(Size(images) * std::max(most.rows, 0) * most.width * c.C + 64);
    Workspace workspace(per_worker * threads * sizeof(T));
    const CorrelationArrays<T> arrays{x, packed.as<T>(), out, epilogue};
    parallel_for(blocks * panel_blocks, [&](int k, int worker) {
        const int panel = k % panel_blocks * span, block = k / panel_blocks;
        const int i = block % row_blocks * rows, n = block / row_blocks * images;
        const CorrelationItem item{n, std::min(n + images, c.N), i, std::min(i + rows, c.H_out),
                                   panel, std::min(panel + span, n_panels)};
        correlate(c, panels, arrays, item, workspace.as<T>() + worker * per_worker);
    });
}

// Of one axis: which taps reach the rows h = phase, phase + stride, ... of dx, and where
// these taps find dout. From h + padding = stride*i + dilation*u.
struct Phase {
    int first, step, count;  // taps u = first, first + step, ...
    int pad, dilation;       // of the correlation over dout, its taps turned round
    int rows;                // of dx
};

Phase phase_of(int phase, int size, int taps, int stride, int padding, int dilation) {
    const int common = std::gcd(stride, dilation);
    Phase found{};
    found.step = stride / common;
    found.dilation = dilation / common;
    found.rows = (size - phase + stride - 1) / stride;
    while (found.first < found.step && (phase + padding - found.first * dilation) % stride != 0)
        ++found.first;
    if (found.first == found.step || found.first >= taps) return {0, 1, 0, 0, 1, found.rows};
    found.count = (taps - found.first + found.step - 1) / found.step;
    const int source = (phase + padding - found.first * dilation) / stride;
    found.pad = (found.count - 1) * found.dilation - source;
    return found;
}

}  // namespace

template <class T>
void direct_forward(const Conv2d& g, const T* x, const T* w, const T* b, bool relu, T* out) {
    run<T>(forward_correlation(g), x, w, forward_steps(g), {b, relu}, Border::zeros, out);
}

template <class T>
void direct_input_gradient(const Conv2d& g, const T* dout, const T* w, const T* b, T* dx) {
    const FilterSteps all = forward_steps(g);
    for (int a = 0; a < std::min(g.stride_h, g.H); ++a)
        for (int e = 0; e < std::min(g.stride_w, g.W); ++e) {
            const Phase h = phase_of(a, g.H, g.HH, g.stride_h, g.padding_h, g.dilation_h);
            const Phase v = phase_of(e, g.W, g.WW, g.stride_w, g.padding_w, g.dilation_w);
            Correlation c{};
            c.N = g.N, c.H = g.H_out, c.W = g.W_out, c.C = g.F;
            c.H_out = h.rows, c.W_out = v.rows, c.F = g.C;
            c.HH = v.count ? h.count : 0, c.WW = v.count;
            c.stride_h = c.stride_w = 1;
            c.pad_top = h.pad, c.pad_left = v.pad;
            c.dilation_h = h.dilation, c.dilation_w = v.dilation;
            c.groups = g.groups;
            c.out_pixel = Size(g.stride_w) * g.C;
            c.out_row = Size(g.stride_h) * g.W * g.C;
            c.out_image = Size(g.H) * g.W * g.C;
            if (!h.count || !v.count) {  // no tap reaches these: nothing is read
                c.HH = c.WW = 0;
                c.pad_top = c.pad_left = 0;
            }
            const FilterSteps steps{all.group, all.c, all.f, -h.step * all.u, -v.step * all.v};
            const T* last_tap = w;
            if (c.HH && c.WW)
                last_tap += (h.first + h.step * (h.count - 1)) * all.u +
                            (v.first + v.step * (v.count - 1)) * all.v;
            run<T>(c, dout, last_tap, steps, {b, false}, Border::nothing,
                   dx + (Size(a) * g.W + e) * g.C);
        }
}

template <class T>
void filter_gradient(Correlation c, const T* x, const T* dout, const FilterSteps& steps, T* dw,
                     T* db) {
    const auto& kernel = kernels<T>();
    flatten_pixels(c, 112);
    if (c.F == 0) return;
    if (c.W_out == 0) c.N = 0, c.W_out = 1;  // no pixel at all: every sum is empty
    const Panels panels = panels_of<T>(c);
    const int n_panels = c.groups * panels.count;
    const Size slice_size = c.groups * panels.group_size();

    // as many slices of the images as their sums may cost, by the shape alone
    constexpr Size most_bytes = 8 << 20;
    constexpr int items_wanted = 32;
    const int slices = std::clamp<Size>(most_bytes / (slice_size * Size(sizeof(T))), 1,
                                        std::clamp(c.N, 1, 16));
    const int span = ceil_div(n_panels, std::min(n_panels, ceil_div(items_wanted, slices)));
    const int panel_blocks = ceil_div(n_panels, span);
    const int rows = std::clamp(ceil_div(96, c.W_out), 1, c.H_out);

    Workspace sums((slices * slice_size + 64) * sizeof(T));
    Workspace bias_sums((Size(slices) * c.F + 64) * sizeof(T));
    const Extent most = extent(c, rows);
    const Size per_worker = aligned(Size(rows) * c.W_out * panels.wide +
                                    Size(most.rows) * most.width * c.C + 64);
    Workspace workspace(per_worker * n_threads() * sizeof(T));

    FilterGradientArrays<T> arrays{x, dout, sums.as<T>(), db ? bias_sums.as<T>() : nullptr};
    parallel_for(slices * panel_blocks, [&](int k, int worker) {
        const int slice = k / panel_blocks, panel = k % panel_blocks * span;
        const int panel_end = std::min(panel + span, n_panels);
        const FilterGradientItem item{slice, static_cast<int>(Size(c.N) * slice / slices),
                                      static_cast<int>(Size(c.N) * (slice + 1) / slices),
                                      panel, panel_end, rows};
        auto start = [&](int p) {
            return p == n_panels ? slice_size : panels.offset(p / panels.count, p % panels.count);
        };
        auto filter = [&](int p) {
            return p == n_panels ? c.F
                                 : p / panels.count * c.F_group() + p % panels.count * panels.wide;
        };
        T* own = sums.as<T>() + slice * slice_size;
        std::fill(own + start(panel), own + start(panel_end), T(0));
        if (db) {
            T* own_bias = bias_sums.as<T>() + Size(slice) * c.F;
            std::fill(own_bias + filter(panel), own_bias + filter(panel_end), T(0));
        }
        kernel.filter_gradient(c, panels, arrays, item, workspace.as<T>() + worker * per_worker);
    });

    if (dw)
        parallel_for(n_panels, [&](int p, int) {
            kernel.unpack_filters(c, panels, sums.as<T>(), slices, steps, dw, p);
        });
    if (db)
        for (int f = 0; f < c.F; ++f) {
            T total = 0;
            for (int s = 0; s < slices; ++s) total += bias_sums.as<T>()[Size(s) * c.F + f];
            db[f] = total;
        }
}

template <class T>
void direct_filter_gradient(const Conv2d& g, const T* x, const T* dout, T* dw, T* db) {
    filter_gradient<T>(forward_correlation(g), x, dout, forward_steps(g), dw, db);
}

#define CNN_INSTANTIATE(T)                                                                       \
    template void direct_forward(const Conv2d&, const T*, const T*, const T*, bool, T*);         \
    template void direct_input_gradient(const Conv2d&, const T*, const T*, const T*, T*);        \
    template void direct_filter_gradient(const Conv2d&, const T*, const T*, T*, T*);             \
    template void filter_gradient(Correlation, const T*, const T*, const FilterSteps&, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
