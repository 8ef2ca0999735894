// Blocks, cut by images: a worker makes some images of the source, convolves them and does
// what follows, all in its caches. Backward makes the gradient of the result once for
// both, that of the source and that of the filters, and it never goes to memory.
//
// The cut is by the shape alone, since sums over its parts have their order from it. Where
// there are few images, or large ones, or so many filters or so few pixels that reading the
// filters again for each part costs more than the sweeps, the whole batch goes from step to
// step. (small_cnn on 32 images of 8x8, one thread: 1.2 ms a step, cut 2.4.)
#include "engine/conv_block.hpp"

#include <algorithm>
#include <vector>

#include "dispatch/dispatch.hpp"
#include "engine/items.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size near_bytes = 512 << 10;      // of a part's images
constexpr Size largest_image = 1 << 20;     // bytes
// bytes of filters: forward transforms them once for all parts, backward sums them up for each
constexpr Size largest_filters = 600 << 10, largest_gradient = 160 << 10;
constexpr int fewest_parts = 16;            // all threads have work to the end
constexpr Size fewest_pixels = 512;         // of a part's result

struct Cut {
    int N, most, parts;  // no parts: the whole batch at once

    int begin(int k) const { return k * most; }
    int end(int k) const { return std::min(N, (k + 1) * most); }
};

Size filter_numbers(const Conv2d& g) {
    return Size(g.F) * (g.C / g.groups) * g.HH * g.WW;
}

template <class T> Cut cut_of(const Conv2d& g, Size most_filters) {
    const Size x = Size(g.H) * g.W * g.C, out = Size(g.H_out) * g.W_out * g.F;
    const Size image = std::max(x, out) * Size(sizeof(T));
    const Size filters = filter_numbers(g) * Size(sizeof(T));
    if (g.N < fewest_parts || image == 0 || image > largest_image || filters > most_filters)
        return {g.N, 0, 0};
    const int most = static_cast<int>(std::clamp<Size>(near_bytes / image, 1, g.N / fewest_parts));
    if (Size(most) * g.H_out * g.W_out < fewest_pixels) return {g.N, 0, 0};
    return {g.N, most, static_cast<int>(ceil_div(g.N, most))};
}

Conv2d some_images(const Conv2d& g, int n) {
    Conv2d some = g;
    some.N = n;
    return some;
}

// total[k] = Σ parts[p][k], in their order.
template <class T> void add_parts(const T* parts, int n_parts, Size n, T* total) {
    const auto add = kernels<T>().elementwise.add;
    for_ranges(n, 4096, [&](Size begin, Size end) {
        std::copy(parts + begin, parts + end, total + begin);
        for (int p = 1; p < n_parts; ++p)
            add(total + begin, parts + p * n + begin, total + begin, end - begin);
    });
}

}  // namespace

template <class T> bool backward_is_cut(const Conv2d& g) {
    return cut_of<T>(g, largest_gradient).parts > 0;
}

template <class T>
void conv_block_forward(const Conv2d& g, Algorithm wished, Source<T>& x, const T* w, const T* b,
                        Sink<T>& out) {
    const Algorithm algorithm = chosen<T>(g, Pass::forward, wished);
    const Cut cut = cut_of<T>(g, largest_filters);
    if (cut.parts == 0) {
        conv2d_forward<T>(g, algorithm, x.all(), w, b, false, out.all());
        out.all_written();
        return;
    }
    const int threads = n_threads();
    PackedFilters<T> packed;
    x.expect(cut.most, threads);
    out.expect(cut.parts, cut.most, threads);
    parallel_for(cut.parts, [&](int k, int worker) {
        const int begin = cut.begin(k), end = cut.end(k);
        const T* from = x.some(begin, end, worker);
        conv2d_forward<T>(some_images(g, end - begin), algorithm, from, w, b, false,
                          out.some(begin, end, worker), &packed);
        out.written(k, begin, end, worker);
    }, threads);
    out.finish();
}

template <class T>
void conv_block_backward(const Conv2d& g, Algorithm wished, Source<T>& x, Source<T>& dout,
                         const T* w, const T* addend, Sink<T>* dx, T* dw, T* db) {
    const Algorithm algorithm = chosen<T>(g, Pass::gradient, wished);
    const Cut cut = cut_of<T>(g, largest_gradient);
    if (cut.parts == 0) {
        const T* gradient = dout.all();
        if (dx) {
            conv2d_input_gradient<T>(g, algorithm, gradient, w, nullptr, addend, dx->all());
            dx->all_written();
        }
        if (dw || db) conv2d_filter_gradient(g, algorithm, x.all(), gradient, dw, db);
        return;
    }
    const int threads = n_threads();
    const Size image = Size(g.H) * g.W * g.C;
    const Size dw_numbers = dw ? filter_numbers(g) : 0, db_numbers = db ? g.F : 0;
    Workspace dw_parts((cut.parts * dw_numbers + 64) * sizeof(T));
    Workspace db_parts((cut.parts * db_numbers + 64) * sizeof(T));
    std::vector<PackedFilters<T>> packed(Size(g.stride_h) * g.stride_w);  // a phase each
    dout.expect(cut.most, threads);
    if (dw || db) x.expect(cut.most, threads);
    if (dx) dx->expect(cut.parts, cut.most, threads);
    parallel_for(cut.parts, [&](int k, int worker) {
        const int begin = cut.begin(k), end = cut.end(k);
        const Conv2d some = some_images(g, end - begin);
        const T* gradient = dout.some(begin, end, worker);
        if (dx) {
            conv2d_input_gradient<T>(some, algorithm, gradient, w, nullptr,
                                     addend ? addend + begin * image : nullptr,
                                     dx->some(begin, end, worker), packed.data());
            dx->written(k, begin, end, worker);
        }
        if (dw || db)
            conv2d_filter_gradient<T>(some, algorithm, x.some(begin, end, worker), gradient,
                                      dw ? dw_parts.as<T>() + k * dw_numbers : nullptr,
                                      db ? db_parts.as<T>() + k * db_numbers : nullptr);
    }, threads);
    if (dx) dx->finish();
    if (dw) add_parts(dw_parts.as<T>(), cut.parts, dw_numbers, dw);
    if (db) add_parts(db_parts.as<T>(), cut.parts, db_numbers, db);
}

#define CNN_INSTANTIATE(T)                                                                       \
    template bool backward_is_cut<T>(const Conv2d&);                                             \
    template void conv_block_forward(const Conv2d&, Algorithm, Source<T>&, const T*, const T*,   \
                                     Sink<T>&);                                                  \
    template void conv_block_backward(const Conv2d&, Algorithm, Source<T>&, Source<T>&,          \
                                      const T*, const T*, Sink<T>*, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
