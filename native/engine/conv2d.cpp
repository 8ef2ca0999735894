// Which algorithm computes a convolution: by its shape, never by timing or threads.
#include "engine/conv2d.hpp"

#include <algorithm>

#include "engine/elementwise.hpp"
#include "engine/winograd_rows.hpp"

namespace cnn {

namespace {

bool winograd_can(const Conv2d& g) {
    return g.HH == g.WW && (g.HH == 3 || g.HH == 5) && g.stride_h == 1 && g.stride_w == 1 &&
           g.dilation_h == 1 && g.dilation_w == 1 && g.groups == 1;
}

template <class T> bool winograd_pays(const Conv2d& g) {
    if (sizeof(T) != 4 || !winograd_can(g)) return false;
    if (std::min(g.C, g.F) < 16 || std::min(g.H_out, g.W_out) < 4) return false;
    const int m = g.HH == 5 ? 2 : 4;
    const long tiles = long(g.N) * ((g.H_out + m - 1) / m) * ((g.W_out + m - 1) / m);
    return tiles >= 32;
}

template <class T> bool by_winograd(const Conv2d& g, Algorithm algorithm) {
    return algorithm == Algorithm::winograd ||
           (algorithm == Algorithm::automatic && winograd_pays<T>(g));
}

}  // namespace

template <class T>
void conv2d_forward(const Conv2d& g, Algorithm algorithm, const T* x, const T* w, const T* b,
                    bool relu, T* out, PackedFilters<T>* kept) {
    if (by_winograd<T>(g, algorithm)) return winograd_forward(g, x, w, b, relu, out, kept);
    if constexpr (sizeof(T) == 4)
        if (algorithm == Algorithm::automatic && winograd_rows_pay(g))
            return winograd_rows_forward(g, x, w, b, relu, out, kept);
    direct_forward(g, x, w, b, relu, out, kept);
}

template <class T>
void conv2d_input_gradient(const Conv2d& g, Algorithm algorithm, const T* dout, const T* w,
                           const T* b, const T* addend, T* dx) {
    if (by_winograd<T>(g, algorithm)) return winograd_input_gradient(g, dout, w, b, addend, dx);
    direct_input_gradient(g, dout, w, b, dx);
    if (addend) add(dx, addend, dx, std::ptrdiff_t(g.N) * g.H * g.W * g.C);
}

template <class T>
void conv2d_filter_gradient(const Conv2d& g, Algorithm algorithm, const T* x, const T* dout, T* dw,
                            T* db) {
    const auto run =
        by_winograd<T>(g, algorithm) ? winograd_filter_gradient<T> : direct_filter_gradient<T>;
    run(g, x, dout, dw, db);
}

#define CNN_INSTANTIATE(T)                                                                        \
    template void conv2d_forward(const Conv2d&, Algorithm, const T*, const T*, const T*, bool,    \
                                 T*, PackedFilters<T>*);                                          \
    template void conv2d_input_gradient(const Conv2d&, Algorithm, const T*, const T*, const T*,   \
                                        const T*, T*);                                            \
    template void conv2d_filter_gradient(const Conv2d&, Algorithm, const T*, const T*, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
