// Pooling: some rows of the result are an item.
#include "engine/pool.hpp"

#include <algorithm>

#include "dispatch/dispatch.hpp"
#include "engine/items.hpp"
#include "memory/blocks.hpp"

namespace cnn {
namespace {

// work(n, begin, end) for some of the `rows` rows of N images, from a multiple of `unit`
// on; each row takes about `numbers` numbers.
template <class Work>
void for_row_blocks(int N, int rows, int unit, Size numbers, const Work& work) {
    if (N == 0 || rows <= 0) return;
    const Size most = std::clamp<Size>(item_numbers / std::max<Size>(numbers, 1), 1, rows);
    const int step = static_cast<int>(ceil_div(most, unit)) * unit;
    const int blocks = static_cast<int>(ceil_div(rows, step));
    for_items(Size(N) * blocks, N * rows * numbers, [&](int k, int) {
        const int begin = k % blocks * step;
        work(k / blocks, begin, std::min(begin + step, rows));
    });
}

template <class Work> void for_rows(int N, int rows, Size numbers, const Work& work) {
    for_row_blocks(N, rows, 1, numbers, [&](int n, int begin, int end) {
        for (int i = begin; i < end; ++i) work(n, i);
    });
}

struct Sizes {
    Size x, out, row_of_x, row_of_out;  // numbers of an image and of a row
    explicit Sizes(const Pool2d& g)
        : x(Size(g.H) * g.W * g.C), out(Size(g.H_out) * g.W_out * g.C),
          row_of_x(Size(g.W) * g.C), row_of_out(Size(g.W_out) * g.C) {}
};

template <class T, class Index> auto largest_kernel() {
    if constexpr (sizeof(Index) == 1) return kernels<T>().pool.largest;
    else return kernels<T>().pool.largest_of_many;
}

template <class T, class Index> auto largest_backward_kernel() {
    if constexpr (sizeof(Index) == 1) return kernels<T>().pool.largest_backward;
    else return kernels<T>().pool.largest_of_many_backward;
}

}  // namespace

template <class T, class Index>
void max_pool2d_forward(const Pool2d& g, const PoolSource<T>& from, T* out, Index* which) {
    const Sizes size(g);
    const auto kernel = largest_kernel<T, Index>();
    for_rows(g.N, g.H_out, size.row_of_out + g.stride_h * size.row_of_x, [&](int n, int i) {
        const PoolSource<T> image{from.x + n * size.x, from.scale, from.shift, from.relu};
        kernel(g, image, out + n * size.out, which + n * size.out, i);
    });
}

template <class T, class Index>
void max_pool2d_backward(const Pool2d& g, const T* dout, const Index* which, T* dx) {
    const Sizes size(g);
    const auto kernel = largest_backward_kernel<T, Index>();
    for_row_blocks(g.N, g.H, g.stride_h, 2 * size.row_of_x, [&](int n, int begin, int end) {
        kernel(g, dout + n * size.out, which + n * size.out, dx + n * size.x, begin, end);
    });
}

template <class T> void avg_pool2d_forward(const Pool2d& g, const T* x, T* out) {
    const Sizes size(g);
    const auto kernel = kernels<T>().pool.mean;
    for_rows(g.N, g.H_out, size.row_of_out + g.stride_h * size.row_of_x,
             [&](int n, int i) { kernel(g, x + n * size.x, out + n * size.out, i); });
}

template <class T> void avg_pool2d_backward(const Pool2d& g, const T* dout, T* dx) {
    const Sizes size(g);
    const auto kernel = kernels<T>().pool.mean_backward;
    for_rows(g.N, g.H, 2 * size.row_of_x,
             [&](int n, int h) { kernel(g, dout + n * size.out, dx + n * size.x, h); });
}

template <class T> void channel_means(int N, Size pixels, int C, const T* x, T* out) {
    const auto kernel = kernels<T>().pool.channel_sums;
    const Size block = C + 16;
    const int threads = n_threads();
    Workspace blocks(block * threads * sizeof(T)), sums((Size(N) * C + 1) * sizeof(double));
    for_items(N, N * pixels * C, [&](int n, int worker) {
        double* own = sums.as<double>() + Size(n) * C;
        std::fill(own, own + C, 0.0);
        kernel(x + n * pixels * C, pixels, C, blocks.as<T>() + worker * block, own);
        for (int c = 0; c < C; ++c) out[Size(n) * C + c] = static_cast<T>(own[c] / double(pixels));
    }, threads);
}

template <class T>
void channel_means_backward(int N, Size pixels, int C, const T* dout, T* dx) {
    const auto kernel = kernels<T>().pool.repeat;
    Workspace shares((Size(N) * C + 1) * sizeof(T));
    T* share = shares.as<T>();
    for (Size k = 0; k < Size(N) * C; ++k) share[k] = dout[k] / static_cast<T>(pixels);
    for_items(N, N * pixels * C, [&](int n, int) {
        kernel(share + Size(n) * C, pixels, C, dx + n * pixels * C);
    });
}

#define CNN_INDEXED(T, Index)                                                       \
    template void max_pool2d_forward(const Pool2d&, const PoolSource<T>&, T*, Index*); \
    template void max_pool2d_backward(const Pool2d&, const T*, const Index*, T*);
#define CNN_INSTANTIATE(T)                                                          \
    CNN_INDEXED(T, std::uint8_t)                                                    \
    CNN_INDEXED(T, std::int32_t)                                                    \
    template void avg_pool2d_forward(const Pool2d&, const T*, T*);                  \
    template void avg_pool2d_backward(const Pool2d&, const T*, T*);                 \
    template void channel_means(int, Size, int, const T*, T*);                      \
    template void channel_means_backward(int, Size, int, const T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
