// linear: arrays as NumPy lays them out.
#include <nanobind/stl/optional.h>

#include "bindings/arrays.hpp"
#include "engine/linear.hpp"

namespace cnn {
namespace {

template <class T> Linear sizes(const In<T, 2>& x, const In<T, 2>& w) {
    return {static_cast<int>(x.shape(0)), static_cast<int>(x.shape(1)),
            static_cast<int>(w.shape(0))};
}

template <class T> void bind(nb::module_& m) {
    m.def("linear_forward",
          [](In<T, 2> x, In<T, 2> w, Maybe<In<T, 1>> b, bool relu, Out<T, 2> out,
             PackedFilters<T>* kept) {
              unlocked([&] {
                  linear_forward<T>(sizes<T>(x, w), x.data(), w.data(), data_or_null(b), relu,
                                    out.data(), kept);
              });
          },
          nb::arg("x").noconvert(), nb::arg("w").noconvert(), nb::arg("b").noconvert().none(),
          nb::arg("relu"), nb::arg("out").noconvert(), nb::arg("kept").none() = nb::none());
    m.def("linear_input_gradient",
          [](In<T, 2> dout, In<T, 2> w, Out<T, 2> dx) {
              const Linear l{static_cast<int>(dout.shape(0)), static_cast<int>(w.shape(1)),
                             static_cast<int>(w.shape(0))};
              unlocked([&] { linear_input_gradient<T>(l, dout.data(), w.data(), dx.data()); });
          },
          nb::arg("dout").noconvert(), nb::arg("w").noconvert(), nb::arg("dx").noconvert());
    m.def("linear_parameter_gradients",
          [](In<T, 2> x, In<T, 2> dout, Maybe<Out<T, 2>> dw, Maybe<Out<T, 1>> db) {
              const Linear l{static_cast<int>(x.shape(0)), static_cast<int>(x.shape(1)),
                             static_cast<int>(dout.shape(1))};
              unlocked([&] {
                  linear_parameter_gradients<T>(l, x.data(), dout.data(), data_or_null(dw),
                                                data_or_null(db));
              });
          },
          nb::arg("x").noconvert(), nb::arg("dout").noconvert(), nb::arg("dw").noconvert().none(),
          nb::arg("db").noconvert().none());
}

}  // namespace

void bind_linear(nb::module_& m) {
    bind<float>(m);
    bind<double>(m);
}

}  // namespace cnn
