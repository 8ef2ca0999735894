// Ops that see one entry at a time, over flat arrays: cut into ranges, run by the pool.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/elementwise.hpp"

namespace cnn {

template <class T>
void relu_forward(const T* x, T* out, std::uint64_t* blocked, std::ptrdiff_t n);
template <class T>
void relu_backward(const T* dout, const std::uint64_t* blocked, T* dx, std::ptrdiff_t n);

// dx = dout where a ReLU's output is positive
template <class T> void relu_mask(const T* dout, const T* out, T* dx, std::ptrdiff_t n);
// max(x + y, 0)
template <class T> void add_relu(const T* x, const T* y, T* out, std::ptrdiff_t n);

template <class T>
void curve_forward(Curve curve, const T* x, T parameter, T* out, std::ptrdiff_t n);
template <class T>
void curve_backward(Curve curve, const T* dout, const T* x, T parameter, T* dx, std::ptrdiff_t n);

template <class T> void add(const T* x, const T* y, T* out, std::ptrdiff_t n);
template <class T> void dropout(const T* x, const bool* mask, T scale, T* out, std::ptrdiff_t n);
template <class T> void copy(const T* x, T* out, std::ptrdiff_t n);

// Σ (x - y)²
template <class T> double squared_distance(const T* x, const T* y, std::ptrdiff_t n);
// out = (x - y)·scale
template <class T>
void scaled_difference(const T* x, const T* y, T scale, T* out, std::ptrdiff_t n);

}  // namespace cnn
