// Softmax as (outer, K, inner), losses as (N, K).
#include <nanobind/stl/optional.h>

#include "bindings/arrays.hpp"
#include "engine/loss.hpp"

namespace cnn {
namespace {

using Labels = In<std::int64_t, 1>;

template <class Array> Classes classes_of(const Array& x) {
    return {static_cast<std::ptrdiff_t>(x.shape(0)), static_cast<std::ptrdiff_t>(x.shape(1)),
            static_cast<std::ptrdiff_t>(x.shape(2))};
}

template <class T>
Targets<T> targets_of(const Maybe<Labels>& labels, const Maybe<In<T, 2>>& probabilities,
                      double smoothing) {
    return {data_or_null(labels), data_or_null(probabilities), static_cast<T>(smoothing)};
}

template <class T> void bind(nb::module_& m) {
    m.def("softmax_forward",
          [](In<T, 3> x, bool logs, Out<T, 3> out) {
              unlocked([&] { softmax_forward<T>(classes_of(x), x.data(), logs, out.data()); });
          },
          nb::arg("x").noconvert(), nb::arg("logs"), nb::arg("out").noconvert());
    m.def("softmax_backward",
          [](In<T, 3> dout, In<T, 3> out, bool logs, Out<T, 3> dx) {
              unlocked([&] {
                  softmax_backward<T>(classes_of(out), dout.data(), out.data(), logs, dx.data());
              });
          },
          nb::arg("dout").noconvert(), nb::arg("out").noconvert(), nb::arg("logs"),
          nb::arg("dx").noconvert());
    m.def("cross_entropy_forward",
          [](In<T, 2> x, Maybe<Labels> labels, Maybe<In<T, 2>> probabilities, double smoothing,
             Out<T, 2> p) {
              double loss = 0;
              unlocked([&] {
                  loss = cross_entropy_forward<T>(x.shape(0), x.shape(1), x.data(),
                                                  targets_of<T>(labels, probabilities, smoothing),
                                                  p.data());
              });
              return loss;
          },
          nb::arg("x").noconvert(), nb::arg("labels").noconvert().none(),
          nb::arg("probabilities").noconvert().none(), nb::arg("smoothing"),
          nb::arg("p").noconvert());
    m.def("cross_entropy_backward",
          [](In<T, 2> p, Maybe<Labels> labels, Maybe<In<T, 2>> probabilities, double smoothing,
             double share, Out<T, 2> dx) {
              unlocked([&] {
                  cross_entropy_backward<T>(p.shape(0), p.shape(1), p.data(),
                                            targets_of<T>(labels, probabilities, smoothing),
                                            T(share), dx.data());
              });
          },
          nb::arg("p").noconvert(), nb::arg("labels").noconvert().none(),
          nb::arg("probabilities").noconvert().none(), nb::arg("smoothing"), nb::arg("share"),
          nb::arg("dx").noconvert());
    m.def("hinge_forward",
          [](In<T, 2> x, Labels labels) {
              double loss = 0;
              unlocked([&] {
                  loss = hinge_forward<T>(x.shape(0), x.shape(1), x.data(), labels.data());
              });
              return loss;
          },
          nb::arg("x").noconvert(), nb::arg("labels").noconvert());
    m.def("hinge_backward",
          [](In<T, 2> x, Labels labels, double share, Out<T, 2> dx) {
              unlocked([&] {
                  hinge_backward<T>(x.shape(0), x.shape(1), x.data(), labels.data(), T(share),
                                    dx.data());
              });
          },
          nb::arg("x").noconvert(), nb::arg("labels").noconvert(), nb::arg("share"),
          nb::arg("dx").noconvert());
}

}  // namespace

void bind_loss(nb::module_& m) {
    bind<float>(m);
    bind<double>(m);
}

}  // namespace cnn
