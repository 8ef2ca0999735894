// Normalisation: x is any channels-last array whose last axis is C; what stands for each
// channel is (images, C). Of which rows an image is made follows from the sizes.
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the array within an empty optional for one that is read
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <nanobind/stl/optional.h>

#include "bindings/arrays.hpp"
#include "engine/norm.hpp"

namespace cnn {
namespace {

template <class T, class Channels>
ChannelRows rows_of(const InFlat<T>& x, const Channels& channels) {
    const std::size_t all = channels.size();
    return {static_cast<int>(channels.shape(0)),
            static_cast<std::ptrdiff_t>(all ? x.size() / all : 0),
            static_cast<int>(channels.shape(1))};
}

template <class T> Mask mask_of(const Maybe<In<T, 2>>& scale, const Maybe<InFlat<T>>& out) {
    return out ? Mask::output : scale ? Mask::affine : Mask::none;
}

template <class T> void bind(nb::module_& m) {
    m.def("batch_statistics",
          [](InFlat<T> x, Out<double, 2> mean, Out<double, 2> var) {
              unlocked([&] {
                  norm_statistics<T>(rows_of<T>(x, mean), x.data(), mean.data(), var.data());
              });
          },
          nb::arg("x").noconvert(), nb::arg("mean").noconvert(), nb::arg("var").noconvert());
    m.def("batch_norm_apply",
          [](InFlat<T> x, In<T, 2> scale, In<T, 2> shift, const Maybe<InFlat<T>>& residual,
             bool relu, OutFlat<T> out, T ceiling) {
              unlocked([&] {
                  norm_apply<T>(rows_of<T>(x, scale),
                                {x.data(), scale.data(), shift.data(), data_or_null(residual),
                                 {relu, ceiling}, out.data()});
              });
          },
          nb::arg("x").noconvert(), nb::arg("scale").noconvert(), nb::arg("shift").noconvert(),
          nb::arg("residual").noconvert().none(), nb::arg("relu"), nb::arg("out").noconvert(),
          nb::arg("ceiling") = Relu<T>::no_ceiling);
    m.def("batch_norm_backward_sums",
          [](InFlat<T> dout, InFlat<T> x, In<T, 2> mean, Maybe<In<T, 2>> scale,
             Maybe<In<T, 2>> shift, Maybe<InFlat<T>> out, Out<double, 2> sums,
             Out<double, 2> products, T ceiling) {
              unlocked([&] {
                  norm_gradient_sums<T>(rows_of<T>(x, mean),
                                        {dout.data(), x.data(), mean.data(), data_or_null(scale),
                                         data_or_null(shift), data_or_null(out), ceiling},
                                        mask_of<T>(scale, out), sums.data(), products.data());
              });
          },
          nb::arg("dout").noconvert(), nb::arg("x").noconvert(), nb::arg("mean").noconvert(),
          nb::arg("scale").noconvert().none(), nb::arg("shift").noconvert().none(),
          nb::arg("out").noconvert().none(), nb::arg("sums").noconvert(),
          nb::arg("products").noconvert(), nb::arg("ceiling") = Relu<T>::no_ceiling);
    m.def("batch_norm_backward_apply",
          [](InFlat<T> dout, InFlat<T> x, In<T, 2> mean, In<T, 2> a, In<T, 2> b, In<T, 2> c,
             Maybe<In<T, 2>> scale, Maybe<In<T, 2>> shift, Maybe<InFlat<T>> out, OutFlat<T> dx,
             Maybe<OutFlat<T>> dresidual, T ceiling) {
              unlocked([&] {
                  norm_input_gradient<T>(rows_of<T>(x, mean),
                                         {{dout.data(), x.data(), mean.data(), data_or_null(scale),
                                           data_or_null(shift), data_or_null(out), ceiling},
                                          a.data(), b.data(), c.data(), dx.data(),
                                          data_or_null(dresidual)},
                                         mask_of<T>(scale, out));
              });
          },
          nb::arg("dout").noconvert(), nb::arg("x").noconvert(), nb::arg("mean").noconvert(),
          nb::arg("a").noconvert(), nb::arg("b").noconvert(), nb::arg("c").noconvert(),
          nb::arg("scale").noconvert().none(), nb::arg("shift").noconvert().none(),
          nb::arg("out").noconvert().none(), nb::arg("dx").noconvert(),
          nb::arg("dresidual").noconvert().none(), nb::arg("ceiling") = Relu<T>::no_ceiling);

    m.def("row_norm_forward",
          [](In<T, 2> x, Maybe<InFlat<T>> gamma, Maybe<InFlat<T>> beta, double eps, Out<T, 2> out,
             Out<T, 1> mean, Out<T, 1> inv_std) {
              unlocked([&] {
                  row_norm_forward<T>({static_cast<std::ptrdiff_t>(x.shape(1)), data_or_null(gamma),
                                       data_or_null(beta)},
                                      static_cast<std::ptrdiff_t>(x.shape(0)), x.data(), eps,
                                      out.data(), mean.data(), inv_std.data());
              });
          },
          nb::arg("x").noconvert(), nb::arg("gamma").noconvert().none(),
          nb::arg("beta").noconvert().none(), nb::arg("eps"), nb::arg("out").noconvert(),
          nb::arg("mean").noconvert(), nb::arg("inv_std").noconvert());
    m.def("row_norm_backward",
          [](In<T, 2> dout, In<T, 2> x, Maybe<InFlat<T>> gamma, In<T, 1> mean, In<T, 1> inv_std,
             Maybe<Out<T, 2>> dx, Maybe<OutFlat<T>> dgamma, Maybe<OutFlat<T>> dbeta) {
              unlocked([&] {
                  row_norm_backward<T>(
                      {static_cast<std::ptrdiff_t>(x.shape(1)), data_or_null(gamma), nullptr},
                      static_cast<std::ptrdiff_t>(x.shape(0)), dout.data(), x.data(), mean.data(),
                      inv_std.data(), data_or_null(dx), data_or_null(dgamma), data_or_null(dbeta));
              });
          },
          nb::arg("dout").noconvert(), nb::arg("x").noconvert(),
          nb::arg("gamma").noconvert().none(), nb::arg("mean").noconvert(),
          nb::arg("inv_std").noconvert(), nb::arg("dx").noconvert().none(),
          nb::arg("dgamma").noconvert().none(), nb::arg("dbeta").noconvert().none());
}

}  // namespace

void bind_norm(nb::module_& m) {
    bind<float>(m);
    bind<double>(m);
}

}  // namespace cnn
