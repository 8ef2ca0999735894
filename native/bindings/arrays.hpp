// How NumPy arrays come in and go out. Nothing is ever converted: an array of another
// dtype, layout or without write access where one is needed is a TypeError.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <optional>

#include "memory/blocks.hpp"

namespace cnn {

namespace nb = nanobind;

// Inputs and outputs by number of axes, in C order; Strided has any order.
template <class T, int n> using In = nb::ndarray<const T, nb::ndim<n>, nb::c_contig, nb::device::cpu>;
template <class T, int n> using Out = nb::ndarray<T, nb::ndim<n>, nb::c_contig, nb::device::cpu>;
template <class T, int n> using Strided = nb::ndarray<const T, nb::ndim<n>, nb::device::cpu>;
template <class T> using InFlat = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T> using OutFlat = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
template <class A> using Maybe = std::optional<A>;

template <class A> auto data_or_null(const Maybe<A>& array) {
    return array ? array->data() : nullptr;
}

// Runs the work without the interpreter's lock.
template <class Work> void unlocked(const Work& work) {
    nb::gil_scoped_release release;
    work();
}

void bind_conv2d(nb::module_& m);
void bind_conv_block(nb::module_& m);
void bind_elementwise(nb::module_& m);
void bind_engine(nb::module_& m);
void bind_image(nb::module_& m);
void bind_linear(nb::module_& m);
void bind_loss(nb::module_& m);
void bind_norm(nb::module_& m);
void bind_pool(nb::module_& m);
void bind_program(nb::module_& m);
void bind_shape(nb::module_& m);
void bind_step(nb::module_& m);

}  // namespace cnn
