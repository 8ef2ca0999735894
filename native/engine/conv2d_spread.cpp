// The gradient towards images with few channels: an item is an image.
#include "dispatch/dispatch.hpp"
#include "engine/geometry.hpp"
#include "engine/spread.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {

// Where a register of the window's row holds more products than one of its channels.
template <class T> bool spread_pays(const Conv2d& g) {
    const auto& k = kernels<T>();
    const int registers = ceil_div(Size(g.WW) * g.C, k.lanes);
    return g.groups == 1 && g.dilation_w == 1 && g.C < k.lanes && registers <= k.tile_vectors &&
           2 * g.WW >= 3 * registers && g.F > 0 && g.W_out >= 4;
}

template <class T>
void spread_input_gradient(const Conv2d& g, const T* dout, const T* w, const T* b, T* dx) {
    const auto& k = kernels<T>();
    const int registers = ceil_div(Size(g.WW) * g.C, k.lanes);
    const Spread p{g.H,        g.W,        g.C,         g.H_out,     g.W_out,
                   g.F,        g.HH,       g.WW,        g.stride_h,  g.stride_w,
                   g.padding_h, g.padding_w, g.dilation_h,
                   (registers == 1 ? 1 : k.tile_vectors) * k.lanes};
    Workspace packed((Size(g.HH) * g.F * p.width + 64) * sizeof(T));
    k.spread->pack(p, w, packed.as<T>());
    const Size per_worker = aligned(p.workspace());
    const int threads = n_threads();
    Workspace space(per_worker * threads * sizeof(T));
    const Size dout_size = Size(g.H_out) * g.W_out * g.F, dx_size = Size(g.H) * g.W * g.C;
    parallel_for(g.N, [&](int n, int worker) {
        k.spread->image(p, dout + n * dout_size, packed.as<T>(), b, dx + n * dx_size,
                        space.as<T>() + worker * per_worker);
    }, threads);
}

#define CNN_INSTANTIATE(T)                                                                 \
    template bool spread_pays<T>(const Conv2d&);                                           \
    template void spread_input_gradient(const Conv2d&, const T*, const T*, const T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
