// Pooling: images come and go as (N, H, W, C).
#include "engine/pool.hpp"

#include <nanobind/stl/optional.h>

#include "bindings/arrays.hpp"

namespace cnn {
namespace {

template <class T, class Index> void bind_indexed(nb::module_& m) {
    m.def("max_pool2d_forward",
          [](const Pool2d& g, In<T, 4> x, Maybe<InFlat<T>> scale, Maybe<InFlat<T>> shift,
             bool relu, Out<T, 4> out, Out<Index, 4> which) {
              unlocked([&] {
                  const PoolSource<T> source{x.data(), data_or_null(scale), data_or_null(shift),
                                             relu};
                  max_pool2d_forward<T, Index>(g, source, out.data(), which.data());
              });
          },
          nb::arg("geometry"), nb::arg("x").noconvert(), nb::arg("scale").noconvert().none(),
          nb::arg("shift").noconvert().none(), nb::arg("relu"), nb::arg("out").noconvert(),
          nb::arg("which").noconvert());
    m.def("max_pool2d_backward",
          [](const Pool2d& g, In<T, 4> dout, In<Index, 4> which, Out<T, 4> dx) {
              unlocked([&] {
                  max_pool2d_backward<T, Index>(g, dout.data(), which.data(), dx.data());
              });
          },
          nb::arg("geometry"), nb::arg("dout").noconvert(), nb::arg("which").noconvert(),
          nb::arg("dx").noconvert());
}

template <class T> void bind(nb::module_& m) {
    bind_indexed<T, std::uint8_t>(m);
    bind_indexed<T, std::int32_t>(m);
    m.def("avg_pool2d_forward",
          [](const Pool2d& g, In<T, 4> x, Out<T, 4> out) {
              unlocked([&] { avg_pool2d_forward<T>(g, x.data(), out.data()); });
          },
          nb::arg("geometry"), nb::arg("x").noconvert(), nb::arg("out").noconvert());
    m.def("avg_pool2d_backward",
          [](const Pool2d& g, In<T, 4> dout, Out<T, 4> dx) {
              unlocked([&] { avg_pool2d_backward<T>(g, dout.data(), dx.data()); });
          },
          nb::arg("geometry"), nb::arg("dout").noconvert(), nb::arg("dx").noconvert());
    m.def("channel_means",
          [](In<T, 4> x, Out<T, 2> out) {
              unlocked([&] {
                  channel_means<T>(int(x.shape(0)), std::ptrdiff_t(x.shape(1) * x.shape(2)),
                                   int(x.shape(3)), x.data(), out.data());
              });
          },
          nb::arg("x").noconvert(), nb::arg("out").noconvert());
    m.def("channel_means_backward",
          [](In<T, 2> dout, Out<T, 4> dx) {
              unlocked([&] {
                  channel_means_backward<T>(int(dx.shape(0)), std::ptrdiff_t(dx.shape(1) * dx.shape(2)),
                                            int(dx.shape(3)), dout.data(), dx.data());
              });
          },
          nb::arg("dout").noconvert(), nb::arg("dx").noconvert());
}

}  // namespace

void bind_pool(nb::module_& m) {
    nb::class_<Pool2d>(m, "Pool2d")
        .def("__init__", [](Pool2d* g, int N, int C, int H, int W, int HH, int WW, int stride_h,
                            int stride_w, int padding_h, int padding_w, int H_out, int W_out,
                            bool count_include_pad) {
            new (g) Pool2d{N,        C,         H,         W,     HH,    WW,               stride_h,
                           stride_w, padding_h, padding_w, H_out, W_out, count_include_pad};
        });
    bind<float>(m);
    bind<double>(m);
}

}  // namespace cnn
