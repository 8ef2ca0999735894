// conv2d and conv_transpose2d: images come and go as (N, H, W, C).
#include <nanobind/stl/optional.h>

#include "bindings/arrays.hpp"
#include "engine/conv2d.hpp"

namespace cnn {
namespace {

template <class T> void bind(nb::module_& m, const char* packed_name) {
    nb::class_<PackedFilters<T>>(m, packed_name).def(nb::init<>());
    m.def("conv2d_forward",
          [](const Conv2d& g, Algorithm algorithm, In<T, 4> x, In<T, 4> w, Maybe<In<T, 1>> b,
             bool relu, Out<T, 4> out, PackedFilters<T>* kept, Maybe<In<T, 4>> addend,
             T ceiling) {
              unlocked([&] {
                  conv2d_forward<T>(g, algorithm, x.data(), w.data(), data_or_null(b),
                                    {relu, ceiling}, out.data(), kept, data_or_null(addend));
              });
          },
          nb::arg("geometry"), nb::arg("algorithm"), nb::arg("x").noconvert(), nb::arg("w").noconvert(),
          nb::arg("b").noconvert().none(), nb::arg("relu"), nb::arg("out").noconvert(),
          nb::arg("kept").none() = nb::none(), nb::arg("addend").noconvert().none() = nb::none(),
          nb::arg("ceiling") = Relu<T>::no_ceiling);
    m.def("conv2d_input_gradient",
          [](const Conv2d& g, Algorithm algorithm, In<T, 4> dout, In<T, 4> w, Maybe<In<T, 1>> b,
             Out<T, 4> dx, Maybe<In<T, 4>> addend) {
              unlocked([&] {
                  conv2d_input_gradient<T>(g, algorithm, dout.data(), w.data(), data_or_null(b),
                                           data_or_null(addend), dx.data());
              });
          },
          nb::arg("geometry"), nb::arg("algorithm"), nb::arg("dout").noconvert(), nb::arg("w").noconvert(),
          nb::arg("b").noconvert().none(), nb::arg("dx").noconvert(),
          nb::arg("addend").noconvert().none() = nb::none());
    m.def("conv2d_filter_gradient",
          [](const Conv2d& g, Algorithm algorithm, In<T, 4> x, In<T, 4> dout, Maybe<Out<T, 4>> dw,
             Maybe<Out<T, 1>> db) {
              unlocked([&] {
                  conv2d_filter_gradient<T>(g, algorithm, x.data(), dout.data(), data_or_null(dw),
                                            data_or_null(db));
              });
          },
          nb::arg("geometry"), nb::arg("algorithm"), nb::arg("x").noconvert(), nb::arg("dout").noconvert(),
          nb::arg("dw").noconvert().none(), nb::arg("db").noconvert().none());
}

}  // namespace

void bind_conv2d(nb::module_& m) {
    nb::enum_<Algorithm>(m, "Algorithm")
        .value("auto", Algorithm::automatic)
        .value("direct", Algorithm::direct)
        .value("winograd", Algorithm::winograd);
    nb::class_<Conv2d>(m, "Conv2d")
        .def("__init__",
             [](Conv2d* g, int N, int C, int H, int W, int F, int HH, int WW, int stride_h,
                int stride_w, int padding_h, int padding_w, int dilation_h, int dilation_w,
                int groups, int H_out, int W_out) {
                 new (g) Conv2d{N, C, H, W, F, HH, WW, stride_h, stride_w, padding_h, padding_w,
                                dilation_h, dilation_w, groups, H_out, W_out};
             });
    bind<float>(m, "PackedFilters_f32");
    bind<double>(m, "PackedFilters_f64");
}

}  // namespace cnn
