// Ops that see one entry at a time: arrays of one size that lie alike.
#include "engine/elementwise.hpp"

#include "bindings/arrays.hpp"

namespace cnn {
namespace {

using Words = nb::ndarray<const std::uint64_t, nb::c_contig, nb::device::cpu>;
using OutWords = nb::ndarray<std::uint64_t, nb::c_contig, nb::device::cpu>;
using Mask = nb::ndarray<const bool, nb::c_contig, nb::device::cpu>;

template <class T> void bind(nb::module_& m) {
    m.def("relu_forward",
          [](InFlat<T> x, OutFlat<T> out, OutWords blocked) {
              unlocked([&] { relu_forward<T>(x.data(), out.data(), blocked.data(), x.size()); });
          },
          nb::arg("x").noconvert(), nb::arg("out").noconvert(), nb::arg("blocked").noconvert());
    m.def("relu_backward",
          [](InFlat<T> dout, Words blocked, OutFlat<T> dx) {
              unlocked([&] {
                  relu_backward<T>(dout.data(), blocked.data(), dx.data(), dout.size());
              });
          },
          nb::arg("dout").noconvert(), nb::arg("blocked").noconvert(), nb::arg("dx").noconvert());
    m.def("curve_forward",
          [](Curve curve, InFlat<T> x, double parameter, OutFlat<T> out) {
              unlocked([&] {
                  curve_forward<T>(curve, x.data(), T(parameter), out.data(), x.size());
              });
          },
          nb::arg("curve"), nb::arg("x").noconvert(), nb::arg("parameter"),
          nb::arg("out").noconvert());
    m.def("curve_backward",
          [](Curve curve, InFlat<T> dout, InFlat<T> x, double parameter, OutFlat<T> dx) {
              unlocked([&] {
                  curve_backward<T>(curve, dout.data(), x.data(), T(parameter), dx.data(),
                                    x.size());
              });
          },
          nb::arg("curve"), nb::arg("dout").noconvert(), nb::arg("x").noconvert(),
          nb::arg("parameter"), nb::arg("dx").noconvert());
    m.def("relu_mask",
          [](InFlat<T> dout, InFlat<T> y, OutFlat<T> dx) {
              unlocked([&] { relu_mask<T>(dout.data(), y.data(), dx.data(), dout.size()); });
          },
          nb::arg("dout").noconvert(), nb::arg("out").noconvert(), nb::arg("dx").noconvert());
    m.def("add_relu",
          [](InFlat<T> x, InFlat<T> y, OutFlat<T> out) {
              unlocked([&] { add_relu<T>(x.data(), y.data(), out.data(), x.size()); });
          },
          nb::arg("x").noconvert(), nb::arg("y").noconvert(), nb::arg("out").noconvert());
    m.def("add",
          [](InFlat<T> x, InFlat<T> y, OutFlat<T> out) {
              unlocked([&] { add<T>(x.data(), y.data(), out.data(), x.size()); });
          },
          nb::arg("x").noconvert(), nb::arg("y").noconvert(), nb::arg("out").noconvert());
    m.def("dropout",
          [](InFlat<T> x, Mask mask, double scale, OutFlat<T> out) {
              unlocked([&] {
                  dropout<T>(x.data(), mask.data(), T(scale), out.data(), x.size());
              });
          },
          nb::arg("x").noconvert(), nb::arg("mask").noconvert(), nb::arg("scale"),
          nb::arg("out").noconvert());
    m.def("copy",
          [](InFlat<T> x, OutFlat<T> out) {
              unlocked([&] { copy<T>(x.data(), out.data(), x.size()); });
          },
          nb::arg("x").noconvert(), nb::arg("out").noconvert());
    m.def("squared_distance",
          [](InFlat<T> x, InFlat<T> y) {
              double sum = 0;
              unlocked([&] { sum = squared_distance<T>(x.data(), y.data(), x.size()); });
              return sum;
          },
          nb::arg("x").noconvert(), nb::arg("y").noconvert());
    m.def("scaled_difference",
          [](InFlat<T> x, InFlat<T> y, double scale, OutFlat<T> out) {
              unlocked([&] {
                  scaled_difference<T>(x.data(), y.data(), T(scale), out.data(), x.size());
              });
          },
          nb::arg("x").noconvert(), nb::arg("y").noconvert(), nb::arg("scale"),
          nb::arg("out").noconvert());
}

}  // namespace

void bind_elementwise(nb::module_& m) {
    nb::enum_<Curve>(m, "Curve")
        .value("RELU6", Curve::relu6)
        .value("LEAKY_RELU", Curve::leaky_relu)
        .value("SIGMOID", Curve::sigmoid)
        .value("TANH", Curve::tanh)
        .value("GELU", Curve::gelu)
        .value("GELU_TANH", Curve::gelu_tanh)
        .value("SILU", Curve::silu)
        .value("HARD_SWISH", Curve::hard_swish);
    bind<float>(m);
    bind<double>(m);
}

}  // namespace cnn
