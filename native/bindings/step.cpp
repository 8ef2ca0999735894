// Optimizer steps: a parameter, its gradient and its state, changed in place.
#include "engine/step.hpp"

#include <nanobind/stl/optional.h>

#include "bindings/arrays.hpp"

namespace cnn {
namespace {

template <class T> void bind(nb::module_& m) {
    m.def("sgd_step",
          [](OutFlat<T> value, InFlat<T> grad, Maybe<OutFlat<T>> velocity, double lr,
             double momentum, bool nesterov, double weight_decay) {
              unlocked([&] {
                  sgd_step<T>({lr, momentum, weight_decay, nesterov}, value.data(), grad.data(),
                              data_or_null(velocity), value.size());
              });
          },
          nb::arg("value").noconvert(), nb::arg("grad").noconvert(),
          nb::arg("velocity").noconvert().none(), nb::arg("lr"), nb::arg("momentum"),
          nb::arg("nesterov"), nb::arg("weight_decay"));
    m.def("rmsprop_step",
          [](OutFlat<T> value, InFlat<T> grad, OutFlat<T> square, Maybe<OutFlat<T>> velocity,
             double lr, double alpha, double eps, double momentum, double weight_decay) {
              unlocked([&] {
                  rmsprop_step<T>({lr, alpha, eps, momentum, weight_decay}, value.data(),
                                  grad.data(), square.data(), data_or_null(velocity),
                                  value.size());
              });
          },
          nb::arg("value").noconvert(), nb::arg("grad").noconvert(),
          nb::arg("square").noconvert(), nb::arg("velocity").noconvert().none(), nb::arg("lr"),
          nb::arg("alpha"), nb::arg("eps"), nb::arg("momentum"), nb::arg("weight_decay"));
    m.def("adam_step",
          [](OutFlat<T> value, InFlat<T> grad, OutFlat<T> mean, OutFlat<T> square, double lr,
             double beta1, double beta2, double eps, double weight_decay, double shrink,
             double bias1, double bias2) {
              unlocked([&] {
                  adam_step<T>({lr, beta1, beta2, eps, weight_decay, shrink, bias1, bias2},
                               value.data(), grad.data(), mean.data(), square.data(),
                               value.size());
              });
          },
          nb::arg("value").noconvert(), nb::arg("grad").noconvert(), nb::arg("mean").noconvert(),
          nb::arg("square").noconvert(), nb::arg("lr"), nb::arg("beta1"), nb::arg("beta2"),
          nb::arg("eps"), nb::arg("weight_decay"), nb::arg("shrink"), nb::arg("bias1"),
          nb::arg("bias2"));
}

}  // namespace

void bind_step(nb::module_& m) {
    bind<float>(m);
    bind<double>(m);
}

}  // namespace cnn
