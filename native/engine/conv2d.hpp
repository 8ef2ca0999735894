// conv2d's three passes on channels-last arrays: cut into items, run by the pool.
#pragma once

#include <cstddef>

#include "engine/packed_filters.hpp"
#include "kernels/relu.hpp"

namespace cnn {

struct Conv2d {
    int N, C, H, W, F, HH, WW;
    int stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups;
    int H_out, W_out;
};

// The last is chosen by shapes alone; nobody can ask for it.
enum class Algorithm { automatic, direct, winograd, winograd_rows };

enum class Pass { forward, gradient };

// Which way computes a pass: what is wished, or what the shape says; never automatic.
template <class T> Algorithm chosen(const Conv2d&, Pass, Algorithm wished);

// x (N, H, W, C), w (F, C/groups, HH, WW) as NumPy lays it out, out (N, H_out, W_out, F).
// `kept` keeps the filters as they were packed: for the same w at every call, or null. An
// addend of out's shape, in memory of its own, is added before the ReLU.
template <class T>
void conv2d_forward(const Conv2d&, Algorithm, const T* x, const T* w, const T* b, Relu<T> relu,
                    T* out, PackedFilters<T>* kept = nullptr, const T* addend = nullptr);

// dx from dout, plus an addend of its shape where that is not null; with a bias, this is
// conv_transpose2d. `kept` is one for each phase of the strides, or null; it serves any N.
template <class T>
void conv2d_input_gradient(const Conv2d&, Algorithm, const T* dout, const T* w, const T* b,
                           const T* addend, T* dx, PackedFilters<T>* kept = nullptr);

// dw and db (F), each where it is not null.
template <class T>
void conv2d_filter_gradient(const Conv2d&, Algorithm, const T* x, const T* dout, T* dw, T* db);

// --- the ways to compute them -----------------------------------------------------------

template <class T>
void direct_forward(const Conv2d&, const T* x, const T* w, const T* b, Relu<T> relu, T* out,
                    PackedFilters<T>* kept = nullptr, const T* addend = nullptr);
template <class T>
void direct_input_gradient(const Conv2d&, const T* dout, const T* w, const T* b, T* dx,
                           PackedFilters<T>* kept = nullptr);
template <class T>
void direct_filter_gradient(const Conv2d&, const T* x, const T* dout, T* dw, T* db);

template <class T>
void winograd_forward(const Conv2d&, const T* x, const T* w, const T* b, Relu<T> relu, T* out,
                      PackedFilters<T>* kept = nullptr, const T* addend = nullptr);
template <class T>
void winograd_input_gradient(const Conv2d&, const T* dout, const T* w, const T* b,
                             const T* addend, T* dx, PackedFilters<T>* kept = nullptr);
template <class T>
void winograd_filter_gradient(const Conv2d&, const T* x, const T* dout, T* dw, T* db);

}  // namespace cnn
