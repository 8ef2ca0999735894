// Convolutions whose groups are smaller than a register, several groups a block; and one
// group of many channels and few filters, which the same kernels compute.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "dispatch/dispatch.hpp"
#include "engine/grouped.hpp"
#include "engine/pointwise.hpp"
#include "engine/stores.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

// More channels than filters in a group: the lanes are channels.
bool is_inner(const Correlation& c) { return c.C_group() > c.F_group(); }

template <class T> const GroupedKernels<T>& kernels_for(const Correlation& c) {
    return is_inner(c) ? *kernels<T>().inner : *kernels<T>().grouped;
}

// Whole groups in a block.
template <class T> Groups groups_of(const Correlation& c) {
    const int lanes = kernels<T>().lanes;
    Groups g{};
    if (is_inner(c)) {
        g.in_block = std::max(1, lanes / c.C_group());
        g.count = ceil_div(c.groups, g.in_block);
        g.block_size = Size(c.F_group()) * c.HH * c.WW * lanes *
                       ceil_div(Size(g.in_block) * c.C_group(), lanes);
        return g;
    }
    g.in_block = lanes / c.F_group();
    g.count = ceil_div(c.groups, g.in_block);
    g.block_size = Size(c.HH) * c.WW * c.C_group() * lanes;
    return g;
}

// Registers of filters wherever a group ends, as many as a permutation finds the channels of:
// whole registers, or whole groups. None of them where it cannot.
template <class T> Groups spread(const Correlation& c) {
    const int lanes = kernels<T>().lanes, F_group = c.F_group();
    Groups g{};
    for (int filters : {std::min(lanes, c.F), lanes / F_group * F_group}) {
        if (filters == 0 || c.C_group() > kernels<T>().permuted_lanes) continue;
        // the channels of the groups that a block reaches into, which is soon the same again
        int most = 0;
        for (int f = 0, b = 0; f < c.F && b < F_group; f += filters, ++b) {
            const int last = std::min(f + filters, c.F) - 1;
            most = std::max(most, (last / F_group - f / F_group + 1) * c.C_group());
        }
        if (most > kernels<T>().permuted_lanes) continue;
        g.filters = filters;
        g.count = ceil_div(c.F, filters);
        g.block_size = (Size(c.HH) * c.WW * c.C_group() + 1) * lanes;
        g.two_registers = most > lanes;
        return g;
    }
    return g;
}

double pixels_of(const Correlation& c) { return double(c.N) * c.H_out * c.W_out; }

// With lanes of channels, products are lanes<T> channels of one filter, and the lanes have to
// be added up: those of one group in halves, those of several one channel after the other.
template <class T> double inner_cycles(const Correlation& c) {
    const int lanes = kernels<T>().lanes, in_block = std::max(1, lanes / c.C_group());
    if (c.groups == 1 ? c.C < lanes || 2 * c.F > lanes : !is_inner(c) || c.F_group() >= lanes)
        return HUGE_VAL;
    const double registers = double(c.HH) * c.WW * ceil_div(Size(in_block) * c.C_group(), lanes);
    const bool pointwise = in_block == 1 && c.HH == 1 && c.WW == 1;
    const double of_a_block = pointwise ? 14 + 1.1 * registers : 36 + 2 * registers;
    return pixels_of(c) * ceil_div(c.groups, in_block) * c.F_group() * of_a_block;
}

template <class T> double spread_cycles(const Correlation& c) {
    if (c.groups == 1 || is_inner(c)) return HUGE_VAL;
    // a window of one tap is over before a tile has paid for itself
    if (c.HH * c.WW == 1 && c.C_group() > most_pointwise_channels) return HUGE_VAL;
    const Groups g = spread<T>(c);
    if (!g.count) return HUGE_VAL;
    // narrow registers permute through memory, and take lanes of memory one by one
    const int bytes = kernels<T>().lanes * int(sizeof(T));
    const double product = bytes < 32 ? 3 : g.two_registers ? 1.0 : 0.8;
    const double taps = double(c.HH) * c.WW, a_tap = bytes < 64 || g.two_registers ? 1.1 : 0.6;
    return pixels_of(c) * g.count * (taps * (product * c.C_group() + a_tap) + 6);
}

}  // namespace

template <class T> double direct_cycles(const Correlation& c) {
    if (c.N == 0 || c.H_out == 0 || c.W_out == 0) return 0;
    const double taps = double(c.HH) * c.WW, most = kernels<T>().tile_rows;
    const double rows = c.W_out / std::ceil(c.W_out / most);  // of a tile
    const int registers = ceil_div(c.F_group(), kernels<T>().lanes);
    const double pace = 0.85 * std::min(1.0, rows * std::min(registers, 2) / 8.0);
    const double all = pixels_of(c) * c.groups * registers * (taps * c.C_group() / 2 / pace + 10);
    // the rows of groups are copied each by itself
    const bool copied = c.groups > 1 && c.WW > 1;
    return all + (copied ? 1.1 * c.N * c.H * c.W * c.C : 0);
}

template <class T> double grouped_cycles(const Correlation& c) {
    if (c.C_group() < 1 || c.F_group() < 1) return HUGE_VAL;
    const double cycles = std::min(inner_cycles<T>(c), spread_cycles<T>(c));
    return cycles < direct_cycles<T>(c) ? cycles : HUGE_VAL;
}

template <class T> bool grouped_correlation_fits(const Correlation& c) {
    return grouped_cycles<T>(c) < HUGE_VAL;
}

template <class T> Size grouped_filter_gradient_products(const Correlation& c) {
    const int lanes = kernels<T>().lanes;
    if (c.groups == 1 || c.F_group() >= lanes) return 0;
    const Groups groups = groups_of<T>(c);
    const int rows = std::max(c.HH, 1);
    return groups.count * groups.block_size / lanes / rows;
}

template <class T>
bool grouped_correlation(const Correlation& c, const T* x, const T* w, const FilterSteps& steps,
                         const Epilogue<T>& epilogue, Beyond beyond, T* out,
                         PackedFilters<T>* kept) {
    const auto& kernel = kernels_for<T>(c);
    const Groups groups = is_inner(c) ? groups_of<T>(c) : spread<T>(c);
    const Size packed_size = groups.count * groups.block_size;
    const FiltersOfCall<T> packed(kept, Packing::grouped, packed_size + 1, [&](T* to) {
        std::atomic<bool> finite{true};
        parallel_for(groups.count, [&](int b, int) {
            if (!kernel.pack(c, groups, w, steps, to, b)) finite = false;
        });
        to[packed_size] = finite;  // for every call that finds them packed
    });
    if (beyond == Beyond::nothing && packed[packed_size] == 0) return false;

    const Partition parts = partition(c, groups.count, 0, sizeof(T));
    const Size pixel = c.F * Size(sizeof(T)), bytes = Size(c.N) * c.H_out * c.W_out * pixel;
    Epilogue<T> own = epilogue;
    own.gathered = !is_inner(c) && c.out_pixel == c.F && c.out_row == Size(c.W_out) * c.F &&
                   bytes >= worth_gathering(pixel) && parts.span == groups.count &&
                   packed_size * Size(sizeof(T)) <= gathered_filters;
    const Size staging = own.gathered ? staging_numbers(c.F, kernels<T>().tile_rows) : 0;
    const Size per_worker = aligned(parts.workspace + 64) + aligned(staging);
    const int threads = n_threads();
    Workspace workspace(per_worker * threads * sizeof(T));
    const CorrelationArrays<T> arrays{x, packed, out, own};
    parallel_for(parts.items(), [&](int k, int worker) {
        kernel.correlate(c, groups, arrays, parts.item(c, k),
                         workspace.as<T>() + worker * per_worker);
    }, threads);
    return true;
}

template <class T>
void grouped_filter_gradient(const Correlation& c, const T* x, const T* dout,
                             const FilterSteps& steps, T* dw, T* db) {
    const auto& kernel = kernels_for<T>(c);
    const Groups groups = groups_of<T>(c);
    const Size slice_size = groups.count * groups.block_size;
    const Slices cut = slices_of(c, groups.count, slice_size * Size(sizeof(T)));
    Workspace sums((cut.slices * slice_size + 64) * sizeof(T));
    Workspace bias_sums((Size(cut.slices) * c.F + 64) * sizeof(T));
    const Size per_worker = aligned(cut.workspace + 64);
    const int threads = n_threads();
    Workspace workspace(per_worker * threads * sizeof(T));
    std::fill(sums.as<T>(), sums.as<T>() + cut.slices * slice_size, T(0));
    std::fill(bias_sums.as<T>(), bias_sums.as<T>() + Size(cut.slices) * c.F, T(0));

    const FilterGradientArrays<T> arrays{x, dout, sums.as<T>(), db ? bias_sums.as<T>() : nullptr};
    parallel_for(cut.items(), [&](int k, int worker) {
        kernel.filter_gradient(c, groups, arrays, cut.item(c, groups.count, k),
                               workspace.as<T>() + worker * per_worker);
    }, threads);
    if (dw)
        parallel_for(groups.count, [&](int b, int) {
            kernel.unpack(c, groups, sums.as<T>(), cut.slices, steps, dw, b);
        });
    if (db) add_slices(bias_sums.as<T>(), cut.slices, c.F, db);
}

#define CNN_INSTANTIATE(T)                                                                       \
    template bool grouped_correlation_fits<T>(const Correlation&);                               \
    template double grouped_cycles<T>(const Correlation&);                                       \
    template double direct_cycles<T>(const Correlation&);                                        \
    template Size grouped_filter_gradient_products<T>(const Correlation&);                       \
    template bool grouped_correlation(const Correlation&, const T*, const T*, const FilterSteps&,\
                                      const Epilogue<T>&, Beyond, T*, PackedFilters<T>*);        \
    template void grouped_filter_gradient(const Correlation&, const T*, const T*,                \
                                          const FilterSteps&, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
