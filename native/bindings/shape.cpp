// Entries that only move: images come and go as (N, H, W, C).
#include "engine/shape.hpp"

#include "bindings/arrays.hpp"

namespace cnn {
namespace {

template <class Array> Images images_of(const Array& x) {
    return {static_cast<int>(x.shape(0)), static_cast<int>(x.shape(1)),
            static_cast<int>(x.shape(2)), static_cast<int>(x.shape(3))};
}

template <class T> void bind(nb::module_& m) {
    m.def("transpose",
          [](In<T, 3> x, Out<T, 3> out) {
              unlocked([&] {
                  transpose<T>(x.shape(0), x.shape(1), x.shape(2), x.data(), out.data());
              });
          },
          nb::arg("x").noconvert(), nb::arg("out").noconvert());
    m.def("pad2d_forward",
          [](const Padding& p, In<T, 4> x, double value, Out<T, 4> out) {
              unlocked([&] { pad2d_forward<T>(images_of(x), p, x.data(), T(value), out.data()); });
          },
          nb::arg("padding"), nb::arg("x").noconvert(), nb::arg("value"),
          nb::arg("out").noconvert());
    m.def("pad2d_backward",
          [](const Padding& p, In<T, 4> dout, Out<T, 4> dx) {
              unlocked([&] { pad2d_backward<T>(images_of(dx), p, dout.data(), dx.data()); });
          },
          nb::arg("padding"), nb::arg("dout").noconvert(), nb::arg("dx").noconvert());
    m.def("upsample_forward",
          [](int scale_h, int scale_w, In<T, 4> x, Out<T, 4> out) {
              unlocked([&] {
                  upsample_forward<T>(images_of(x), scale_h, scale_w, x.data(), out.data());
              });
          },
          nb::arg("scale_h"), nb::arg("scale_w"), nb::arg("x").noconvert(),
          nb::arg("out").noconvert());
    m.def("upsample_backward",
          [](int scale_h, int scale_w, In<T, 4> dout, Out<T, 4> dx) {
              unlocked([&] {
                  upsample_backward<T>(images_of(dx), scale_h, scale_w, dout.data(), dx.data());
              });
          },
          nb::arg("scale_h"), nb::arg("scale_w"), nb::arg("dout").noconvert(),
          nb::arg("dx").noconvert());
    // the columns of a matrix from `to_column` on become those of another from `from_column` on
    m.def("copy_columns",
          [](In<T, 2> from, std::ptrdiff_t from_column, Out<T, 2> to, std::ptrdiff_t to_column,
             std::ptrdiff_t columns) {
              unlocked([&] {
                  copy_rows<T>(from.shape(0), columns, from.data() + from_column, from.shape(1),
                               to.data() + to_column, to.shape(1));
              });
          },
          nb::arg("from_").noconvert(), nb::arg("from_column"), nb::arg("to").noconvert(),
          nb::arg("to_column"), nb::arg("columns"));
}

}  // namespace

void bind_shape(nb::module_& m) {
    nb::enum_<Border>(m, "Border")
        .value("CONSTANT", Border::constant)
        .value("REFLECT", Border::reflect)
        .value("REPLICATE", Border::replicate)
        .value("CIRCULAR", Border::circular);
    nb::class_<Padding>(m, "Padding")
        .def("__init__", [](Padding* p, int top, int bottom, int left, int right, Border border) {
            new (p) Padding{top, bottom, left, right, border};
        });
    bind<float>(m);
    bind<double>(m);
}

}  // namespace cnn
