// Softmax along an axis and the losses: rows of classes, run by the pool.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/loss.hpp"

namespace cnn {

// An array (outer, K, inner) in C order, K along the axis of the classes.
struct Classes {
    std::ptrdiff_t outer, K, inner;
};

template <class T> void softmax_forward(const Classes&, const T* x, bool logs, T* out);
template <class T>
void softmax_backward(const Classes&, const T* dout, const T* out, bool logs, T* dx);

// The sum of the losses of N rows, and p = softmax(x).
template <class T>
double cross_entropy_forward(std::ptrdiff_t N, std::ptrdiff_t K, const T* x, const Targets<T>&,
                             T* p);
// dx = share·(p·Σq - q)
template <class T>
void cross_entropy_backward(std::ptrdiff_t N, std::ptrdiff_t K, const T* p, const Targets<T>&,
                            T share, T* dx);

template <class T>
double hinge_forward(std::ptrdiff_t N, std::ptrdiff_t K, const T* x, const std::int64_t* labels);
template <class T>
void hinge_backward(std::ptrdiff_t N, std::ptrdiff_t K, const T* x, const std::int64_t* labels,
                    T share, T* dx);

}  // namespace cnn
