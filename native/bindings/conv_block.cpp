// Blocks of a convolution with the norms before and behind it: images come and go as
// (N, H, W, C), what stands for each channel as (1, C).
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the array within an empty optional for one that is read
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <nanobind/stl/optional.h>

#include <memory>

#include "bindings/arrays.hpp"
#include "engine/conv_block.hpp"
#include "engine/norm_images.hpp"
#include "engine/pool_images.hpp"

namespace cnn {
namespace {

ImageRows rows_of_x(const Conv2d& g) { return {g.N, std::ptrdiff_t(g.H) * g.W, g.C}; }
ImageRows rows_of_out(const Conv2d& g) { return {g.N, std::ptrdiff_t(g.H_out) * g.W_out, g.F}; }

// x as it lies, or what a norm, perhaps a sum with a residual branch and perhaps a ReLU
// make of it; that goes to `made` too where it is not null.
template <class T>
std::unique_ptr<Source<T>> source_of_x(const Conv2d& g, const In<T, 4>& x,
                                       const Maybe<In<T, 2>>& scale,
                                       const Maybe<In<T, 2>>& shift, const T* residual,
                                       Relu<T> relu, T* made) {
    const ImageRows rows = rows_of_x(g);
    if (!scale) return std::make_unique<PlainSource<T>>(x.data(), rows.image());
    return std::make_unique<Normalized<T>>(
        rows, NormApply<T>{x.data(), scale->data(), data_or_null(shift), residual, relu, made});
}

template <class T> void bind(nb::module_& m) {
    m.def("conv_block_forward",
          [](const Conv2d& g, Algorithm algorithm, In<T, 4> x, Maybe<In<T, 2>> scale,
             Maybe<In<T, 2>> shift, Maybe<In<T, 4>> residual, bool relu, T ceiling,
             Maybe<Out<T, 4>> made, In<T, 4> w, Maybe<In<T, 1>> b, Out<T, 4> out,
             Out<double, 2> mean, Out<double, 2> var) {
              unlocked([&] {
                  const auto source = source_of_x<T>(g, x, scale, shift, data_or_null(residual),
                                                     {relu, ceiling}, data_or_null(made));
                  Statistics<T> sink(rows_of_out(g), out.data(), mean.data(), var.data());
                  conv_block_forward<T>(g, algorithm, *source, w.data(), data_or_null(b), sink);
              });
          },
          nb::arg("geometry"), nb::arg("algorithm"), nb::arg("x").noconvert(),
          nb::arg("scale").noconvert().none(), nb::arg("shift").noconvert().none(),
          nb::arg("residual").noconvert().none(), nb::arg("relu"), nb::arg("ceiling"),
          nb::arg("made").noconvert().none(), nb::arg("w").noconvert(),
          nb::arg("b").noconvert().none(), nb::arg("out").noconvert(), nb::arg("mean").noconvert(),
          nb::arg("var").noconvert());
    // `before` is the norm whose output x is, and of whose gradient the sums are wanted
    m.def("conv_block_backward",
          [](const Conv2d& g, Algorithm algorithm, In<T, 4> x, Maybe<In<T, 2>> x_scale,
             Maybe<In<T, 2>> x_shift, bool x_relu, T x_ceiling, In<T, 4> dout, In<T, 4> z,
             In<T, 2> mean, In<T, 2> a, In<T, 2> b, In<T, 2> c, Maybe<In<T, 2>> scale,
             Maybe<In<T, 2>> shift, Maybe<In<T, 4>> out, T ceiling, In<T, 4> w,
             Maybe<In<T, 4>> addend, Maybe<Out<T, 4>> dx, Maybe<In<T, 4>> before_z, Maybe<In<T, 2>> before_mean,
             Maybe<Out<double, 2>> before_sums, Maybe<Out<double, 2>> before_products,
             Maybe<Out<T, 4>> dw, Maybe<Out<T, 1>> db, Maybe<Out<T, 4>> dresidual) {
              unlocked([&] {
                  const auto source =
                      source_of_x<T>(g, x, x_scale, x_shift, nullptr, {x_relu, x_ceiling}, nullptr);
                  const Mask mask = out ? Mask::output : scale ? Mask::affine : Mask::none;
                  NormInputGradients<T> gradient(
                      rows_of_out(g),
                      {{dout.data(), z.data(), mean.data(), data_or_null(scale),
                        data_or_null(shift), data_or_null(out), ceiling},
                       a.data(), b.data(), c.data(), nullptr, data_or_null(dresidual)},
                      mask);
                  const ImageRows rows = rows_of_x(g);
                  std::unique_ptr<Sink<T>> sink;
                  if (dx && before_z && before_mean && before_sums && before_products) {
                      const Mask before = !x_relu   ? Mask::none
                                          : x_scale ? Mask::affine
                                                    : Mask::output;
                      sink = std::make_unique<GradientSums<T>>(
                          rows, dx->data(),
                          NormGradient<T>{nullptr, before_z->data(), before_mean->data(),
                                          data_or_null(x_scale), data_or_null(x_shift), x.data(),
                                          x_ceiling},
                          before, before_sums->data(), before_products->data());
                  } else if (dx) {
                      sink = std::make_unique<PlainSink<T>>(dx->data(), rows.image());
                  }
                  conv_block_backward<T>(g, algorithm, *source, gradient, w.data(),
                                         data_or_null(addend), sink.get(), data_or_null(dw),
                                         data_or_null(db));
              });
          },
          nb::arg("geometry"), nb::arg("algorithm"), nb::arg("x").noconvert(),
          nb::arg("x_scale").noconvert().none(), nb::arg("x_shift").noconvert().none(),
          nb::arg("x_relu"), nb::arg("x_ceiling"), nb::arg("dout").noconvert(),
          nb::arg("z").noconvert(),
          nb::arg("mean").noconvert(), nb::arg("a").noconvert(), nb::arg("b").noconvert(),
          nb::arg("c").noconvert(), nb::arg("scale").noconvert().none(),
          nb::arg("shift").noconvert().none(), nb::arg("out").noconvert().none(),
          nb::arg("ceiling"),
          nb::arg("w").noconvert(), nb::arg("addend").noconvert().none(),
          nb::arg("dx").noconvert().none(), nb::arg("before_z").noconvert().none(),
          nb::arg("before_mean").noconvert().none(), nb::arg("before_sums").noconvert().none(),
          nb::arg("before_products").noconvert().none(), nb::arg("dw").noconvert().none(),
          nb::arg("db").noconvert().none(), nb::arg("dresidual").noconvert().none());
}

// A convolution with a maximum pooling behind it, perhaps through a ReLU.
template <class T, class Index> void bind_pooled(nb::module_& m) {
    m.def("conv_pool_forward",
          [](const Conv2d& g, Algorithm algorithm, In<T, 4> x, In<T, 4> w, Maybe<In<T, 1>> b,
             const Pool2d& pool, bool relu, Out<T, 4> out, Out<Index, 4> which) {
              unlocked([&] {
                  PlainSource<T> source(x.data(), rows_of_x(g).image());
                  Pooled<T, Index> sink(pool, relu, out.data(), which.data());
                  conv_block_forward<T>(g, algorithm, source, w.data(), data_or_null(b), sink);
              });
          },
          nb::arg("geometry"), nb::arg("algorithm"), nb::arg("x").noconvert(),
          nb::arg("w").noconvert(), nb::arg("b").noconvert().none(), nb::arg("pool"),
          nb::arg("relu"), nb::arg("out").noconvert(), nb::arg("which").noconvert());
    m.def("conv_pool_backward",
          [](const Conv2d& g, Algorithm algorithm, In<T, 4> x, const Pool2d& pool, In<T, 4> dout,
             In<Index, 4> which, In<T, 4> w, Maybe<In<T, 4>> addend, Maybe<Out<T, 4>> dx,
             Maybe<Out<T, 4>> dw, Maybe<Out<T, 1>> db) {
              unlocked([&] {
                  const std::ptrdiff_t image = rows_of_x(g).image();
                  PlainSource<T> source(x.data(), image);
                  PoolInputGradients<T, Index> gradient(pool, dout.data(), which.data());
                  std::unique_ptr<Sink<T>> sink;
                  if (dx) sink = std::make_unique<PlainSink<T>>(dx->data(), image);
                  conv_block_backward<T>(g, algorithm, source, gradient, w.data(),
                                         data_or_null(addend), sink.get(), data_or_null(dw),
                                         data_or_null(db));
              });
          },
          nb::arg("geometry"), nb::arg("algorithm"), nb::arg("x").noconvert(), nb::arg("pool"),
          nb::arg("dout").noconvert(), nb::arg("which").noconvert(), nb::arg("w").noconvert(),
          nb::arg("addend").noconvert().none(), nb::arg("dx").noconvert().none(),
          nb::arg("dw").noconvert().none(), nb::arg("db").noconvert().none());
}

}  // namespace

void bind_conv_block(nb::module_& m) {
    m.def("conv_block_backward_is_cut", [](const Conv2d& g, int bytes) {
        return bytes == 4 ? backward_is_cut<float>(g) : backward_is_cut<double>(g);
    }, nb::arg("geometry"), nb::arg("bytes"));
    bind<float>(m);
    bind<double>(m);
    bind_pooled<float, std::uint8_t>(m);
    bind_pooled<float, std::int32_t>(m);
    bind_pooled<double, std::uint8_t>(m);
    bind_pooled<double, std::int32_t>(m);
}

}  // namespace cnn
