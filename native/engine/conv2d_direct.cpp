// Convolutions by the direct kernels: geometry, packing of filters, partition.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "dispatch/dispatch.hpp"
#include "engine/conv2d.hpp"
#include "engine/depthwise.hpp"
#include "engine/elementwise.hpp"
#include "engine/geometry.hpp"
#include "engine/grouped.hpp"
#include "engine/partition.hpp"
#include "engine/planes.hpp"
#include "engine/pointwise.hpp"
#include "engine/stores.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

// By the kernels for groups of few filters and for few channels, where they can: these know no
// addend, which is added afterwards.
template <class T>
bool by_groups(Correlation c, const T* x, const T* w, const FilterSteps& steps,
               const Epilogue<T>& epilogue, Beyond beyond, T* out, PackedFilters<T>* kept) {
    if (epilogue.addend && epilogue.relu.capped) return false;
    const Size numbers = Size(c.N) * c.H_out * c.W_out * c.F;
    const Epilogue<T> own{epilogue.bias, epilogue.addend ? Relu<T>(false) : epilogue.relu, false};
    bool done = depthwise_fits<T>(c) && depthwise_correlation(c, x, w, steps, own, out, kept);
    done = done || pointwise_correlation(c, x, w, steps, own, out, kept);
    if (!done) {
        flatten_pixels(c, 56);
        done = grouped_correlation_fits<T>(c) &&
               grouped_correlation(c, x, w, steps, own, beyond, out, kept);
    }
    const auto join = epilogue.relu ? add_relu<T> : add<T>;
    if (done && epilogue.addend) join(out, epilogue.addend, out, numbers);
    return done;
}

// Filters of several panels that stay in L2 while they go over rows in place.
constexpr Size filters_beside_rows = 768 << 10;

// Whether a padded copy of many channels would cost more than tiles of border pixels do, which
// have to be few beside the others.
bool edges_apart(const Correlation& c) {
    if (c.groups > 1 || c.dilation_w > 1 || c.W_last || c.C < 64 || c.WW > c.W) return false;
    const Size left = c.pad_left, room = Size(c.W) + left - c.WW;  // of a window's first column
    if (left < 0 || room < 0) return false;
    const Size begin = (left + c.stride_w - 1) / c.stride_w;
    const Size end = std::min<Size>(c.W_out, room / c.stride_w + 1);
    return end - begin < c.W_out && end - begin >= 8 && 4 * (end - begin) >= 3 * Size(c.W_out);
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

    const bool near = n_panels == 1 || packed_size * Size(sizeof(T)) <= filters_beside_rows;
    const bool apart = finite && near && edges_apart(c);
    const Partition parts = partition(c, n_panels, packed_size * Size(sizeof(T)), sizeof(T),
                                      apart ? kernel.tile_rows : 0);
    const Size row = Size(c.F) * Size(sizeof(T)), bytes = Size(c.N) * c.H_out * c.W_out * row;
    const bool in_a_row = c.out_pixel == c.F && c.out_row == Size(c.W_out) * c.F;
    epilogue.past_caches =
        c.out_pixel == c.F && c.F_group() % panels.narrow == 0 && past_caches(out, bytes, row);
    epilogue.gathered = in_a_row && !epilogue.past_caches && bytes >= worth_gathering(row) &&
                        !epilogue.addend && !apart && parts.span == n_panels &&
                        packed_size * Size(sizeof(T)) <= gathered_filters;
    const Size staging = epilogue.gathered ? staging_numbers(c.F, kernel.tile_rows) : 0;
    const Size per_worker = aligned(parts.workspace + 64) + aligned(staging);
    const int threads = n_threads();
    Workspace workspace(per_worker * threads * sizeof(T));
    const CorrelationArrays<T> arrays{x, packed, out, epilogue, !finite, apart};
    parallel_for(parts.items(), [&](int k, int worker) {
        correlate(c, panels, arrays, parts.item(c, k), workspace.as<T>() + worker * per_worker);
    }, threads);
}

// Of one axis: which taps reach the rows h = phase, phase + stride, ... of dx, and where
// these taps find dout. From h + padding = stride*i + dilation*u.
struct TapsOfPhase {
    int first, step, count;  // taps u = first, first + step, ...
    int pad, dilation;       // of the correlation over dout, its taps turned round
    int rows;                // of dx
};

TapsOfPhase phase_of(int phase, int size, int taps, int stride, int padding, int dilation) {
    const int common = std::gcd(stride, dilation);
    TapsOfPhase found{};
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

// The rows and columns of dx that begin at (a, e), a stride apart, as a correlation of dout.
PartOfConvolution part_of_gradient(const Conv2d& g, int a, int e) {
    const FilterSteps all = forward_steps(g);
    const TapsOfPhase h = phase_of(a, g.H, g.HH, g.stride_h, g.padding_h, g.dilation_h);
    const TapsOfPhase v = phase_of(e, g.W, g.WW, g.stride_w, g.padding_w, g.dilation_w);
    PartOfConvolution part{};
    Correlation& c = part.c;
    c.N = g.N, c.H = g.H_out, c.W = g.W_out, c.C = g.F;
    c.H_out = h.rows, c.W_out = v.rows, c.F = g.C;
    c.stride_h = c.stride_w = c.dilation_h = c.dilation_w = 1;
    c.groups = g.groups;
    c.out_pixel = Size(g.stride_w) * g.C;
    c.out_row = Size(g.stride_h) * g.W * g.C;
    c.out_image = Size(g.H) * g.W * g.C;
    part.out = (Size(a) * g.W + e) * g.C, part.slot = a * g.stride_w + e;
    part.steps = {all.group, all.c, all.f, -h.step * all.u, -v.step * all.v};
    if (!h.count || !v.count) return part;  // no tap reaches these: nothing is read
    c.HH = h.count, c.WW = v.count;
    c.pad_top = h.pad, c.pad_left = v.pad;
    c.dilation_h = h.dilation, c.dilation_w = v.dilation;
    part.w =
        (h.first + h.step * (h.count - 1)) * all.u + (v.first + v.step * (v.count - 1)) * all.v;
    return part;
}

}  // namespace

template <class T>
void direct_forward(const Conv2d& g, const T* x, const T* w, const T* b, Relu<T> relu, T* out,
                    PackedFilters<T>* kept, const T* addend) {
    const PartOfConvolution all{forward_correlation(g), forward_steps(g), 0, 0, 0};
    const Epilogue<T> epilogue{b, relu, false, addend};
    if (!depthwise_fits<T>(all.c) && !pointwise_fits<T>(all.c) &&
        correlate_by_planes(&all, 1, x, w, epilogue, Beyond::zeros, out, kept)) return;
    run<T>(all.c, x, w, all.steps, epilogue, Beyond::zeros, out, kept);
}

template <class T>
void direct_input_gradient(const Conv2d& g, const T* dout, const T* w, const T* b, T* dx,
                           PackedFilters<T>* kept) {
    std::vector<PartOfConvolution> parts;
    bool gaps = false;  // pixels that no tap reaches
    for (int a = 0; a < std::min(g.stride_h, g.H); ++a)
        for (int e = 0; e < std::min(g.stride_w, g.W); ++e) {
            parts.push_back(part_of_gradient(g, a, e));
            gaps = gaps || (!parts.back().c.HH && !b);
        }
    const int n_parts = static_cast<int>(parts.size());
    if (depthwise_fits<T>(forward_correlation(g)) &&
        depthwise_input_gradient(g, parts.data(), n_parts, dout, w, b, dx, kept))
        return;
    const Epilogue<T> epilogue{b, false, false};
    if (correlate_by_planes(parts.data(), n_parts, dout, w, epilogue, Beyond::nothing, dx, kept))
        return;
    if (gaps) {
        const Size image = Size(g.H) * g.W * g.C;
        parallel_for(g.N, [&](int n, int) { std::fill_n(dx + n * image, image, T(0)); });
    }
    for (const auto& part : parts)
        if (!gaps || part.c.HH)
            run<T>(part.c, dout, w + part.w, part.steps, epilogue, Beyond::nothing, dx + part.out,
                   kept ? kept + part.slot : nullptr);
}

#define CNN_INSTANTIATE(T)                                                                       \
    template void direct_forward(const Conv2d&, const T*, const T*, const T*, Relu<T>, T*,       \
                                 PackedFilters<T>*, const T*);                                   \
    template void direct_input_gradient(const Conv2d&, const T*, const T*, const T*, T*,         \
                                        PackedFilters<T>*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
