// Normalisation: blocks of rows by the shape alone, joined in their order in double.
#include "engine/norm.hpp"

#include <algorithm>

#include "dispatch/dispatch.hpp"
#include "engine/items.hpp"
#include "engine/norm_parts.hpp"
#include "engine/stores.hpp"
#include "memory/blocks.hpp"

namespace cnn {
namespace {

constexpr Size most_blocks = 64;  // of an image

// How an image's rows are cut.
struct Blocks {
    Size rows, step;
    int count;
    explicit Blocks(const ChannelRows& m) : rows(m.rows) {
        const Size worth = ceil_div(item_numbers, std::max(m.C, 1));
        step = std::max({ceil_div(rows, most_blocks), worth, Size(1)});
        count = static_cast<int>(ceil_div(rows, step));
    }
    Size begin(int b) const { return b * step; }
    Size end(int b) const { return std::min((b + 1) * step, rows); }
};

Size numbers(const ChannelRows& m) { return m.images * m.rows * m.C; }

// work(image, block, worker) over all blocks of all images.
template <class Work>
void for_blocks(const ChannelRows& m, const Blocks& blocks, const Work& work,
                int threads = n_threads()) {
    for_items(Size(m.images) * blocks.count, numbers(m), [&](int k, int worker) {
        work(k / blocks.count, k % blocks.count, worker);
    }, threads);
}

template <class T> NormGradient<T> of_image(const NormGradient<T>& a, const ChannelRows& m, int n) {
    const Size image = n * m.rows * m.C, channels = Size(n) * m.C;
    return {a.dout + image,
            a.x + image,
            a.mean + channels,
            a.scale ? a.scale + channels : nullptr,
            a.shift ? a.shift + channels : nullptr,
            a.out ? a.out + image : nullptr,
            a.ceiling,
            a.through ? a.through + image : nullptr};
}

}  // namespace

template <class T>
void norm_statistics(const ChannelRows& m, const T* x, double* mean, double* var) {
    const auto kernel = kernels<T>().norm.statistics;
    const Blocks blocks(m);
    const Size C = m.C;
    const int threads = n_threads();
    const NormParts<T> parts(Size(m.images) * blocks.count, m.C, threads);
    auto rows = [&](int b) { return blocks.end(b) - blocks.begin(b); };
    for_blocks(m, blocks, [&](int n, int b, int worker) {
        double* part = parts.of(Size(n) * blocks.count + b);
        kernel(x + (n * m.rows + blocks.begin(b)) * C, rows(b), m.C, parts.workspace(worker), part,
               part + C);
    }, threads);
    for (Size n = 0; n < m.images; ++n)
        join_statistics(parts.of(n * blocks.count), blocks.count, m.C, rows, x + n * m.rows * C,
                        mean + n * C, var + n * C);
}

template <class T> void norm_apply(const ChannelRows& m, const NormApply<T>& a) {
    const auto kernel = kernels<T>().norm.apply;
    const Blocks blocks(m);
    for_blocks(m, blocks, [&](int n, int b, int) {
        const Size image = n * m.rows * m.C, channels = Size(n) * m.C;
        const NormApply<T> own{a.x + image,
                               a.scale + channels,
                               a.shift + channels,
                               a.residual ? a.residual + image : nullptr,
                               a.relu,
                               a.out + image,
                               past_caches(a.out, numbers(m) * Size(sizeof(T)),
                                           m.C * Size(sizeof(T)))};
        kernel(own, blocks.begin(b), blocks.end(b), m.C);
    });
}

template <class T>
void norm_gradient_sums(const ChannelRows& m, const NormGradient<T>& a, Mask mask, double* sums,
                        double* products) {
    const auto kernel = kernels<T>().norm.gradient_sums;
    const Blocks blocks(m);
    const Size C = m.C;
    const int threads = n_threads();
    const NormParts<T> parts(Size(m.images) * blocks.count, m.C, threads);
    for_blocks(m, blocks, [&](int n, int b, int worker) {
        double* part = parts.of(Size(n) * blocks.count + b);
        kernel(of_image(a, m, n), mask, blocks.begin(b), blocks.end(b), m.C,
               parts.workspace(worker), part, part + C);
    }, threads);
    for (Size n = 0; n < m.images; ++n)
        join_sums(parts.of(n * blocks.count), blocks.count, m.C, sums + n * C, products + n * C);
}

template <class T>
void norm_input_gradient(const ChannelRows& m, const NormInputGradient<T>& a, Mask mask) {
    const auto kernel = kernels<T>().norm.input_gradient;
    const Blocks blocks(m);
    for_blocks(m, blocks, [&](int n, int b, int) {
        const Size image = n * m.rows * m.C, channels = Size(n) * m.C;
        const NormInputGradient<T> own{of_image(a.from, m, n),
                                       a.a + channels,
                                       a.b + channels,
                                       a.c + channels,
                                       a.dx + image,
                                       a.dresidual ? a.dresidual + image : nullptr,
                                       past_caches(a.dx, numbers(m) * Size(sizeof(T)),
                                                   m.C * Size(sizeof(T))) &&
                                           past_caches(a.dresidual ? a.dresidual : a.dx,
                                                       numbers(m) * Size(sizeof(T)),
                                                       m.C * Size(sizeof(T)))};
        kernel(own, mask, blocks.begin(b), blocks.end(b), m.C);
    });
}

// --- by row -------------------------------------------------------------------------

namespace {

template <class Work> void for_rows(Size rows, Size D, const Work& work) {
    const Size step = std::max(item_numbers / std::max(D, Size(1)), Size(1));
    for_items(ceil_div(rows, step), rows * D, [&](int k, int) {
        for (Size r = k * step; r < std::min((k + 1) * step, rows); ++r) work(r);
    });
}

}  // namespace

template <class T>
void row_norm_forward(const RowNorm<T>& norm, Size rows, const T* x, double eps, T* out, T* mean,
                      T* inv_std) {
    const auto kernel = kernels<T>().norm.row_forward;
    for_rows(rows, norm.D, [&](Size r) {
        kernel(norm, x + r * norm.D, eps, out + r * norm.D, mean + r, inv_std + r);
    });
}

template <class T>
void row_norm_backward(const RowNorm<T>& norm, Size rows, const T* dout, const T* x, const T* mean,
                       const T* inv_std, T* dx, T* dgamma, T* dbeta) {
    const Size D = norm.D;
    if (dx) {
        const auto kernel = kernels<T>().norm.row_backward;
        for_rows(rows, D, [&](Size r) {
            kernel(norm, dout + r * D, x + r * D, mean[r], inv_std[r], dx + r * D);
        });
    }
    if (!dgamma && !dbeta) return;
    // slices of the rows, panels of the columns
    constexpr Size panel = 512, most_slices = 16;
    const auto kernel = kernels<T>().norm.row_parameter_sums;
    const Size step = std::max({ceil_div(rows, most_slices),
                                ceil_div(item_numbers, std::min(D, panel)), Size(1)});
    const Size slices = ceil_div(rows, step), panels = ceil_div(D, panel);
    Workspace parts((slices * 2 * D + 1) * sizeof(double));
    const int threads = n_threads();
    Workspace workspace((2 * panel + 64) * threads * sizeof(T));
    for_items(slices * panels, rows * D, [&](int k, int worker) {
        const Size slice = k / panels, first = slice * step, d = k % panels * panel;
        double* products = parts.as<double>() + slice * 2 * D + d;
        kernel(dout + first * D + d, x + first * D + d, mean + first, inv_std + first,
               std::min(step, rows - first), D, static_cast<int>(std::min(panel, D - d)),
               workspace.as<T>() + worker * (2 * panel + 64), products, products + D);
    }, threads);
    for (Size d = 0; d < D; ++d) {
        double product = 0, sum = 0;
        for (Size s = 0; s < slices; ++s) {
            product += parts.as<double>()[s * 2 * D + d];
            sum += parts.as<double>()[s * 2 * D + D + d];
        }
        if (dgamma) dgamma[d] = static_cast<T>(product);
        if (dbeta) dbeta[d] = static_cast<T>(sum);
    }
}

#define CNN_INSTANTIATE(T)                                                                       \
    template void norm_statistics(const ChannelRows&, const T*, double*, double*);               \
    template void norm_apply(const ChannelRows&, const NormApply<T>&);                           \
    template void norm_gradient_sums(const ChannelRows&, const NormGradient<T>&, Mask, double*,  \
                                     double*);                                                   \
    template void norm_input_gradient(const ChannelRows&, const NormInputGradient<T>&, Mask);    \
    template void row_norm_forward(const RowNorm<T>&, Size, const T*, double, T*, T*, T*);       \
    template void row_norm_backward(const RowNorm<T>&, Size, const T*, const T*, const T*,       \
                                    const T*, T*, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
