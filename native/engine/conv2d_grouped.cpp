// Convolutions whose groups are smaller than a register: several groups a block.
#include <algorithm>
#include <atomic>

#include "dispatch/dispatch.hpp"
#include "engine/grouped.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

template <class T> Groups groups_of(const Correlation& c) {
    const int lanes = kernels<T>().lanes;
    Groups g{};
    g.in_block = lanes / c.F_group();
    g.count = ceil_div(c.groups, g.in_block);
    g.block_size = Size(c.HH) * c.WW * c.C_group() * lanes;
    return g;
}

}  // namespace

template <class T> bool grouped_fits(const Correlation& c) {
    return c.groups > 1 && c.F_group() < kernels<T>().lanes && c.C_group() <= c.F_group();
}

template <class T>
bool grouped_correlation(const Correlation& c, const T* x, const T* w, const FilterSteps& steps,
                         const Epilogue<T>& epilogue, Beyond beyond, T* out,
                         PackedFilters<T>* kept) {
    const auto& kernel = *kernels<T>().grouped;
    const Groups groups = groups_of<T>(c);
    const Size packed_size = groups.count * groups.block_size;
    std::atomic<bool> finite{true};
    const FiltersOfCall<T> packed(kept, Packing::grouped, packed_size, [&](T* to) {
        parallel_for(groups.count, [&](int b, int) {
            if (!kernel.pack(c, groups, w, steps, to, b)) finite = false;
        });
    });
    if (beyond == Beyond::nothing && !finite) return false;

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
    const auto& kernel = *kernels<T>().grouped;
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
    template bool grouped_fits<T>(const Correlation&);                                           \
    template bool grouped_correlation(const Correlation&, const T*, const T*, const FilterSteps&,\
                                      const Epilogue<T>&, Beyond, T*, PackedFilters<T>*);        \
    template void grouped_filter_gradient(const Correlation&, const T*, const T*,                \
                                          const FilterSteps&, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
