// Convolutions by the direct kernels: geometry, packing of filters, partition.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <vector>

#include "dispatch/dispatch.hpp"
#include "engine/conv2d.hpp"
#include "engine/depthwise.hpp"
#include "engine/elementwise.hpp"
#include "engine/geometry.hpp"
#include "engine/grouped.hpp"
#include "engine/partition.hpp"
#include "engine/spread.hpp"
#include "engine/stores.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size gathered_filters = 256 << 10;  // bytes that are read again for each tile

// By the kernels for groups of few filters, where they can: these know no addend, which is
// added afterwards.
template <class T>
bool by_groups(Correlation c, const T* x, const T* w, const FilterSteps& steps,
               const Epilogue<T>& epilogue, Beyond beyond, T* out, PackedFilters<T>* kept) {
    if (epilogue.addend && epilogue.relu.capped) return false;
    const Size numbers = Size(c.N) * c.H_out * c.W_out * c.F;
    const Epilogue<T> own{epilogue.bias, epilogue.addend ? Relu<T>(false) : epilogue.relu, false};
    bool done = depthwise_fits<T>(c) && depthwise_correlation(c, x, w, steps, own, out, kept);
    if (!done) {
        flatten_pixels(c, 56);
        done = grouped_correlation_fits<T>(c) &&
               grouped_correlation(c, x, w, steps, own, beyond, out, kept);
    }
    const auto join = epilogue.relu ? add_relu<T> : add<T>;
    if (done && epilogue.addend) join(out, epilogue.addend, out, numbers);
    return done;
}

template <class T>
void run(Correlation c, const T* x, const T* w, const FilterSteps& steps,
         Epilogue<T> epilogue, Beyond beyond, T* out,
         PackedFilters<T>* kept = nullptr) {
    if (c.N <= 0 || c.H_out <= 0 || c.W_out <= 0 || c.F == 0) return;
    if (by_groups(c, x, w, steps, epilogue, beyond, out, kept)) return;
    // of few numbers many pixels: an item costs as much as a tile
    flatten_pixels(c, Size(c.C) + c.F < 128 && Size(c.N) * c.H * c.W >= 32768 ? 448 : 56);
    const auto& kernel = kernels<T>();
    const Panels panels = panels_of<T>(c);
    const int n_panels = c.groups * panels.count;
    const Size packed_size = c.groups * panels.group_size();

    const FiltersOfCall<T> packed(kept, Packing::direct, packed_size + 1, [&](T* to) {
        std::atomic<bool> finite{true};
        parallel_for(n_panels, [&](int p, int) {
            if (!kernel.pack_filters(c, panels, w, steps, to, p)) finite = false;
        });
        to[packed_size] = finite;  // for every call that finds them packed
    });
    const bool finite = packed[packed_size] != 0;
    const auto correlate =
        beyond == Beyond::nothing && !finite ? kernel.correlate_inside : kernel.correlate;

    const Partition parts = partition(c, n_panels, packed_size * Size(sizeof(T)), sizeof(T));
    const Size row = Size(c.F) * Size(sizeof(T)), bytes = Size(c.N) * c.H_out * c.W_out * row;
    const bool in_a_row = c.out_pixel == c.F && c.out_row == Size(c.W_out) * c.F;
    epilogue.past_caches =
        c.out_pixel == c.F && c.F_group() % panels.narrow == 0 && past_caches(out, bytes, row);
    epilogue.gathered = in_a_row && !epilogue.past_caches && bytes >= larger_than_caches &&
                        !epilogue.addend && parts.span == n_panels &&
                        packed_size * Size(sizeof(T)) <= gathered_filters;
    const Size staging = epilogue.gathered ? staging_numbers(c.F, kernel.tile_rows) : 0;
    const Size per_worker = aligned(parts.workspace + 64) + aligned(staging);
    const int threads = n_threads();
    Workspace workspace(per_worker * threads * sizeof(T));
    const CorrelationArrays<T> arrays{x, packed, out, epilogue, !finite};
    parallel_for(parts.items(), [&](int k, int worker) {
        correlate(c, panels, arrays, parts.item(c, k), workspace.as<T>() + worker * per_worker);
    }, threads);
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
    const int most = std::min(found.step, taps);
    while (found.first < most && (phase + padding - found.first * dilation) % stride != 0)
        ++found.first;
    if (found.first == most) return {0, 1, 0, 0, 1, found.rows};
    found.count = (taps - found.first + found.step - 1) / found.step;
    const int source = (phase + padding - found.first * dilation) / stride;
    found.pad = (found.count - 1) * found.dilation - source;
    return found;
}

}  // namespace

template <class T>
void direct_forward(const Conv2d& g, const T* x, const T* w, const T* b, Relu<T> relu, T* out,
                    PackedFilters<T>* kept, const T* addend) {
    run<T>(forward_correlation(g), x, w, forward_steps(g), {b, relu, false, addend}, Beyond::zeros,
           out, kept);
}

template <class T>
void direct_input_gradient(const Conv2d& g, const T* dout, const T* w, const T* b, T* dx,
                           PackedFilters<T>* kept) {
    const bool depthwise = depthwise_fits<T>(forward_correlation(g));
    if (!depthwise && spread_pays<T>(g)) return spread_input_gradient(g, dout, w, b, dx);
    const FilterSteps all = forward_steps(g);
    std::vector<DepthwisePhase<T>> phases;
    bool gaps = false;  // pixels that no tap reaches
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
                gaps = true;
                c.HH = c.WW = 0;
                c.pad_top = c.pad_left = 0;
                c.dilation_h = c.dilation_w = 1;
            }
            const FilterSteps steps{all.group, all.c, all.f, -h.step * all.u, -v.step * all.v};
            const T* last_tap = w;
            if (c.HH && c.WW)
                last_tap += (h.first + h.step * (h.count - 1)) * all.u +
                            (v.first + v.step * (v.count - 1)) * all.v;
            phases.push_back({c, steps, last_tap, (Size(a) * g.W + e) * g.C,
                              kept ? kept + a * g.stride_w + e : nullptr});
        }
    if (depthwise && depthwise_input_gradient(g, phases.data(), int(phases.size()), dout, b, dx))
        return;
    gaps = gaps && !b;
    if (gaps) {
        const Size image = Size(g.H) * g.W * g.C;
        parallel_for(g.N, [&](int n, int) { std::fill_n(dx + n * image, image, T(0)); });
    }
    for (const auto& p : phases)
        if (!gaps || p.c.HH)
            run<T>(p.c, dout, p.w, p.steps, {b, false, false}, Beyond::nothing, dx + p.out,
                   p.kept);
}

#define CNN_INSTANTIATE(T)                                                                       \
    template void direct_forward(const Conv2d&, const T*, const T*, const T*, Relu<T>, T*,       \
                                 PackedFilters<T>*, const T*);                                   \
    template void direct_input_gradient(const Conv2d&, const T*, const T*, const T*, T*,         \
                                        PackedFilters<T>*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
