// Pooling of channels-last images: rows of the result, run by the pool.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/pool.hpp"

namespace cnn {

// x (N, H, W, C), out and which (N, H_out, W_out, C); a byte of `which` serves windows of
// up to 255 taps. With a scale and a ReLU this is a norm, a ReLU and a pooling in one;
// backward is the same, and gives the gradient of what the norm returned.
template <class T, class Index>
void max_pool2d_forward(const Pool2d&, const PoolSource<T>&, T* out, Index* which);
template <class T, class Index>
void max_pool2d_backward(const Pool2d&, const T* dout, const Index* which, T* dx);

template <class T> void avg_pool2d_forward(const Pool2d&, const T* x, T* out);
template <class T> void avg_pool2d_backward(const Pool2d&, const T* dout, T* dx);

// x (N, pixels, C), out (N, C) = mean over the pixels; dx = dout / pixels in each.
template <class T>
void channel_means(int N, std::ptrdiff_t pixels, int C, const T* x, T* out);
template <class T>
void channel_means_backward(int N, std::ptrdiff_t pixels, int C, const T* dout, T* dx);

}  // namespace cnn
