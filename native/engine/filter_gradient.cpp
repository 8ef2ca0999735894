// The filters' gradient by the direct kernel: what is in the lanes, blocks, slices.
#include <algorithm>

#include "dispatch/dispatch.hpp"
#include "engine/depthwise.hpp"
#include "engine/geometry.hpp"
#include "engine/grouped.hpp"
#include "engine/partition.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size far_sums = 256 << 10;      // bytes of sums that do not stay close
constexpr Size most_sums = 8 << 20;       // bytes of all slices' sums
constexpr Size close_source = 512 << 10;  // bytes of x under a block
constexpr int pixels_of_a_block = 96, most_slices = 16;
constexpr int pixels_of_a_slice = 256, pixels_wanted = 1024, items_wanted = 64;
constexpr int rows_of_a_tap = 8;  // fewer make tiles that wait for their loads

struct Cut {
    int panels, most_rows;
    double cost;  // for a pixel and a row of the window
};

// Half cycles of a CPU that does two products or two loads at a time. A load across the lines
// of a cache counts as two, and what a tile costs by itself is shared by a block's pixels.
template <class T> Cut best_cut(int lanes_used, int rows, bool across) {
    constexpr double start_of_a_tile = 0.7;
    const auto& k = kernels<T>();
    const int registers = ceil_div(lanes_used, k.lanes);
    Cut best{};
    for (int most = 1; most <= std::min(FilterGradient::most_panel_registers, registers); ++most) {
        const int most_rows = std::min(k.filter_gradient->most_rows[most], rows);
        const int panels = ceil_div(registers, most), pieces = ceil_div(rows, most_rows);
        auto of_panels = [&](int count, int vectors) {
            const double products = double(vectors) * rows;
            const double loads = double(vectors) * pieces * (across ? 2 : 1) + rows + pieces;
            return count * (std::max(products, loads) + start_of_a_tile * pieces);
        };
        const int narrow = registers / panels, wider = registers % panels;
        const double cost = of_panels(panels - wider, narrow) + of_panels(wider, narrow + 1);
        if (!best.panels || cost < best.cost) best = {panels, most_rows, cost};
    }
    return best;
}

// Products of the window's columns with pixels of the image, not of its border: a share.
double share_inside(const Correlation& c) {
    Size inside = 0;
    for (int v = 0; v < c.WW; ++v)
        for (int j = 0; j < c.W_out; ++j) {
            const int w = j * c.stride_w + v * c.dilation_w - c.pad_left;
            inside += w >= 0 && w < c.W;
        }
    return inside > 0 ? double(inside) / (Size(c.WW) * c.W_out) : 1;
}

struct Plan {
    FilterGradient g;
    double cost;  // of all groups
};

template <class T> Plan plan(const Correlation& c, const FilterSteps& steps) {
    const int lanes = kernels<T>().lanes;
    const int inputs = c.WW * c.C_group(), filters = c.F_group();
    FilterGradient g{};
    g.c = c;
    g.lanes = lanes;
    g.gathered = c.groups > 1 && c.WW > 1 && c.dilation_w == 1;

    // inputs side by side: a row of the window, or those of a pixel
    const bool whole = g.gathered || c.WW == 1 || (c.groups == 1 && c.dilation_w == 1);
    Cut by_filters = best_cut<T>(filters, inputs, false), by_taps{};
    if (!whole || (c.pad_left > 0 && c.C_group() >= rows_of_a_tap)) {
        by_taps = best_cut<T>(filters, c.C_group(), false);
        by_taps.cost *= c.WW * share_inside(c);
    }
    g.segments = 1;
    if (!whole || (by_taps.panels && by_taps.cost < by_filters.cost))
        g.segments = c.WW, by_filters = by_taps;
    const Cut by_inputs =
        best_cut<T>(inputs, filters, (g.gathered ? c.C_group() : c.C) * c.stride_w % lanes != 0);
    const double packing = 2.0 * ceil_div(filters, lanes) / c.HH;
    // rows of w that lie along the lanes need no turning
    g.lanes_are_inputs = (c.WW == 1 || c.dilation_w == 1) && steps.f != 1 &&
                         1.1 * by_inputs.cost < by_filters.cost + packing;
    const Cut& cut = g.lanes_are_inputs ? by_inputs : by_filters;
    if (g.lanes_are_inputs) g.segments = 1;
    g.rows = g.lanes_are_inputs ? filters : inputs;
    g.registers = ceil_div(g.lanes_are_inputs ? inputs : filters, lanes);
    g.panels = cut.panels, g.most_rows = cut.most_rows;

    const Size image = std::max<Size>(Size(c.H_out) * c.W_out, 1);
    const Size wanted = (c.groups * g.group_size() * Size(sizeof(T)) > far_sums ? 2 : 1) *
                        pixels_of_a_block;
    g.block_rows = std::max(c.H_out, 1), g.block_images = 1;
    if (c.W_last || image >= wanted) {
        const int blocks = static_cast<int>(std::clamp<Size>((image + wanted / 2) / wanted, 1,
                                                             g.block_rows));
        g.block_rows = ceil_div(g.block_rows, blocks);
    } else {
        const Size under = g.copied_numbers() * Size(sizeof(T));
        const Size most = std::max<Size>(close_source / std::max<Size>(under, 1), 1);
        g.block_images = static_cast<int>(
            std::clamp<Size>(ceil_div(wanted, image), 1, std::min<Size>(most, std::max(c.N, 1))));
    }
    g.row_blocks = ceil_div(c.H_out, g.block_rows);
    g.blocks = ceil_div(c.N, g.block_images) * g.row_blocks;
    const double gathering =
        g.gathered ? 2.0 * c.stride_h * c.stride_w * ceil_div(c.C_group(), lanes) / c.HH : 0;
    return {g, c.groups * (cut.cost + gathering + (g.lanes_are_inputs ? 0 : packing))};
}

// Several groups in a register: each product waits for a permutation, or for a load.
template <class T> bool by_groups(const Correlation& c, double cost) {
    constexpr double of_a_product = 1.8;
    const Size products = grouped_filter_gradient_products<T>(c);
    return products && of_a_product * products <= cost;
}

// By the shape alone, since they decide the order of sums; a power of two, so that threads
// have equal shares. Many panels are items enough: then fewer sums are written and added.
template <class T> int slices_for(const FilterGradient& g) {
    const Size bytes = g.c.groups * g.group_size() * Size(sizeof(T));
    const Size pixels = Size(g.c.N) * g.c.H_out * g.c.W_out;
    const Size most =
        std::min({Size(most_slices), Size(g.blocks), most_sums / std::max<Size>(bytes, 1),
                  pixels / (bytes > far_sums ? 2 * pixels_of_a_slice : pixels_of_a_slice),
                  std::max<Size>(pixels / pixels_wanted, ceil_div(items_wanted, g.units()))});
    int slices = 1;
    while (2 * slices <= most) slices *= 2;
    return slices;
}

}  // namespace

template <class T>
void filter_gradient(Correlation c, const T* x, const T* dout, const FilterSteps& steps, T* dw,
                     T* db) {
    flatten_pixels(c, 112);
    if (c.F == 0) return;
    if (c.W_out == 0) c.N = 0, c.W_out = 1;  // no pixel at all: every sum is empty
    if (depthwise_fits<T>(c)) return depthwise_filter_gradient(c, x, dout, steps, dw, db);
    const auto [g, cost] = plan<T>(c, steps);
    if (by_groups<T>(c, cost)) return grouped_filter_gradient(c, x, dout, steps, dw, db);
    const auto& kernel = *kernels<T>().filter_gradient;
    const int slices = slices_for<T>(g), units = g.units(), threads = n_threads();
    const Size slice_size = c.groups * g.group_size();

    Workspace sums((slices * slice_size + 64) * sizeof(T));
    Workspace bias_sums((Size(slices) * c.F + 64) * sizeof(T));
    const Size per_worker = aligned(std::max(g.workspace(), g.line()) + 64);
    Workspace workspace(per_worker * threads * sizeof(T));
    std::fill(bias_sums.as<T>(), bias_sums.as<T>() + Size(slices) * c.F, T(0));
    if (g.blocks == 0) std::fill(sums.as<T>(), sums.as<T>() + slices * slice_size, T(0));

    // who takes what decides no bits, and may know how many threads there are
    const int wanted = std::max(1, ceil_div(4 * threads, slices));
    const int shares = std::min(wanted, units);
    const FilterGradientArrays<T> arrays{x, dout, sums.as<T>(), db ? bias_sums.as<T>() : nullptr};
    if (g.blocks > 0)
        parallel_for(slices * shares, [&](int k, int worker) {
            const int slice = k / shares, share = k % shares;
            const FilterGradientPart part{slice, static_cast<int>(Size(g.blocks) * slice / slices),
                                          static_cast<int>(Size(g.blocks) * (slice + 1) / slices),
                                          static_cast<int>(Size(units) * share / shares),
                                          static_cast<int>(Size(units) * (share + 1) / shares)};
            kernel.add_up(g, arrays, part, workspace.as<T>() + worker * per_worker);
        }, threads);
    if (dw)
        parallel_for(g.unpacked_items(), [&](int k, int worker) {
            kernel.unpack(g, sums.as<T>(), slices, steps, dw, k,
                          workspace.as<T>() + worker * per_worker);
        }, threads);
    if (db) add_slices(bias_sums.as<T>(), slices, c.F, db);
}

template <class T>
void direct_filter_gradient(const Conv2d& g, const T* x, const T* dout, T* dw, T* db) {
    filter_gradient<T>(forward_correlation(g), x, dout, forward_steps(g), dw, db);
}

#define CNN_INSTANTIATE(T)                                                             \
    template void direct_filter_gradient(const Conv2d&, const T*, const T*, T*, T*);   \
    template void filter_gradient(Correlation, const T*, const T*, const FilterSteps&, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
