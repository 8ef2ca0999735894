// Which algorithm computes a convolution: by its shape, never by timing or threads.
#include "engine/conv2d.hpp"

#include <algorithm>

#include "engine/elementwise.hpp"
#include "engine/geometry.hpp"
#include "engine/grouped.hpp"
#include "engine/planes.hpp"
#include "engine/winograd_rows.hpp"
#include "engine/winograd_tiles.hpp"

namespace cnn {

namespace {

bool winograd_can(const Conv2d& g) {
    return g.HH == g.WW && (g.HH == 3 || g.HH == 5) && g.stride_h == 1 && g.stride_w == 1 &&
           g.dilation_h == 1 && g.dilation_w == 1 && g.groups == 1;
}

constexpr Size many_tiles = 32;  // whose filters and gradients are worth transforming

// The gradients make new filters at every call; forward may keep them, so that few tiles
// pay too.
template <class T> bool winograd_pays(const Conv2d& g, Pass pass) {
    if (sizeof(T) != 4 || !winograd_can(g)) return false;
    if (std::min(g.C, g.F) < 16 || std::min(g.H_out, g.W_out) < 4) return false;
    if (tiles_of(g.N, g.H_out, g.W_out, g.HH == 5 ? 2 : 4) >= many_tiles) return true;
    if (pass == Pass::gradient) return false;
    const Cost cost{g.C, g.F, int(sizeof(T))};
    const int m = tile_size(cost, g.HH, g.N, g.H_out, g.W_out), a = m + g.HH - 1;
    return cost.winograd(a * a, tiles_of(g.N, g.H_out, g.W_out, m)) <
           cost.direct(g.HH * g.HH, Size(g.N) * g.H_out * g.W_out);
}

}  // namespace

template <class T> Algorithm chosen(const Conv2d& g, Pass pass, Algorithm wished) {
    if (wished != Algorithm::automatic) return wished;
    if (winograd_pays<T>(g, pass)) return Algorithm::winograd;
    if (sizeof(T) != 4 || !winograd_rows_pay(g, pass)) return Algorithm::direct;
    const bool forward = pass == Pass::forward;
    const Correlation c = forward ? forward_correlation(g) : gradient_correlation(g);
    const PartOfConvolution all{c, forward_steps(g), 0, 0, 0};
    const double others = std::min(planes_cycles<T>(&all, 1), grouped_cycles<T>(c));
    const bool rows = others > 0.9 * winograd_rows_cycles(c);
    return rows ? Algorithm::winograd_rows : Algorithm::direct;
}

template <class T>
void conv2d_forward(const Conv2d& g, Algorithm algorithm, const T* x, const T* w, const T* b,
                    Relu<T> relu, T* out, PackedFilters<T>* kept, const T* addend) {
    const Algorithm way = chosen<T>(g, Pass::forward, algorithm);
    if constexpr (sizeof(T) == 4) {
        // which knows no addend: a ceiling comes after it, and is nobody else's
        if (way == Algorithm::winograd_rows && !(addend && relu.capped)) {
            winograd_rows_forward(g, x, w, b, addend ? Relu<T>(false) : relu, out, kept);
            const auto join = relu ? add_relu<T> : add<T>;
            if (addend) join(out, addend, out, std::ptrdiff_t(g.N) * g.H_out * g.W_out * g.F);
            return;
        }
    }
    const auto run = way == Algorithm::winograd ? winograd_forward<T> : direct_forward<T>;
    run(g, x, w, b, relu, out, kept, addend);
}

template <class T>
void conv2d_input_gradient(const Conv2d& g, Algorithm algorithm, const T* dout, const T* w,
                           const T* b, const T* addend, T* dx, PackedFilters<T>* kept) {
    const Algorithm way = chosen<T>(g, Pass::gradient, algorithm);
    if (way == Algorithm::winograd)
        return winograd_input_gradient(g, dout, w, b, addend, dx, kept);
    bool done = false;
    if constexpr (sizeof(T) == 4) {
        done = way == Algorithm::winograd_rows;
        if (done) winograd_rows_input_gradient(g, dout, w, b, dx, kept);
    }
    if (!done) direct_input_gradient(g, dout, w, b, dx, kept);
    if (addend) add(dx, addend, dx, std::ptrdiff_t(g.N) * g.H * g.W * g.C);
}

template <class T>
void conv2d_filter_gradient(const Conv2d& g, Algorithm algorithm, const T* x, const T* dout, T* dw,
                            T* db) {
    const bool tiles = chosen<T>(g, Pass::gradient, algorithm) == Algorithm::winograd;
    const auto run = tiles ? winograd_filter_gradient<T> : direct_filter_gradient<T>;
    run(g, x, dout, dw, db);
}

#define CNN_INSTANTIATE(T)                                                                        \
    template void conv2d_forward(const Conv2d&, Algorithm, const T*, const T*, const T*, Relu<T>, \
                                 T*, PackedFilters<T>*, const T*);                                \
    template void conv2d_input_gradient(const Conv2d&, Algorithm, const T*, const T*, const T*,   \
                                        const T*, T*, PackedFilters<T>*);                         \
    template Algorithm chosen<T>(const Conv2d&, Pass, Algorithm);                                 \
    template void conv2d_filter_gradient(const Conv2d&, Algorithm, const T*, const T*, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
