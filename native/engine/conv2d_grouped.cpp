// Convolutions whose groups are smaller than a register, several groups a block; and one
// group of many channels and few filters, which the same kernels compute.
#include <algorithm>
#include <atomic>

#include "dispatch/dispatch.hpp"
#include "engine/grouped.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

// More channels than filters in a group: the lanes are channels.
bool is_inner(const Correlation& c) { return c.C_group() > c.F_group(); }

template <class T> const GroupedKernels<T>& kernels_for(const Correlation& c) {
    return is_inner(c) ? *kernels<T>().inner : *kernels<T>().grouped;
}

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

// One group of many channels and a few filters: a register of filters would be mostly empty.
template <class T> bool few_filters_fit(const Correlation& c) {
    const int lanes = kernels<T>().lanes;
    if (c.groups != 1 || c.C < lanes || c.F < 1 || 4 * c.F > lanes) return false;
    constexpr Size adding_up = 72;
    const Size taps = Size(c.HH) * c.WW, registers = ceil_div(c.C, lanes);
    return c.F * (adding_up + taps * registers) <= taps * c.C;
}

}  // namespace

// With lanes of channels, products are lanes<T> channels of one filter, and the lanes have to
// be added up; what else computes these groups makes a product of each channel by itself, with
// F_group lanes in use, but does so at the pace of the multipliers. The constants are measured.
template <class T> bool grouped_correlation_fits(const Correlation& c) {
    const int lanes = kernels<T>().lanes;
    if (c.groups == 1) return few_filters_fit<T>(c);
    if (c.F_group() >= lanes) return false;
    // a register of its own: no group shares what is loaded
    if (!is_inner(c)) return 2 * c.F_group() <= lanes;
    constexpr Size adding_up = 72, a_register = 2;
    const Size taps = Size(c.HH) * c.WW, in_block = std::max(1, lanes / c.C_group());
    const Size registers = ceil_div(in_block * c.C_group(), lanes);
    return 3 * c.F_group() * (adding_up + a_register * taps * registers) <=
           taps * c.C_group() * in_block;
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
    const Groups groups = groups_of<T>(c);
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
    const Size per_worker = aligned(parts.workspace + 64);
    const int threads = n_threads();
    Workspace workspace(per_worker * threads * sizeof(T));
    const CorrelationArrays<T> arrays{x, packed, out, epilogue};
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
    template Size grouped_filter_gradient_products<T>(const Correlation&);                       \
    template bool grouped_correlation(const Correlation&, const T*, const T*, const FilterSteps&,\
                                      const Epilogue<T>&, Beyond, T*, PackedFilters<T>*);        \
    template void grouped_filter_gradient(const Correlation&, const T*, const T*,                \
                                          const FilterSteps&, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
