// Pooling of channels-last images: what the kernels are told.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cnn {

struct Pool2d {
    int N, C, H, W;
    int HH, WW, stride_h, stride_w, padding_h, padding_w;
    int H_out, W_out;
    bool count_include_pad;  // of the mean
};

// What is pooled: x, or x·scale + shift where scale (C) is not null. The maximum may go
// through a ReLU; where that blocks the gradient, no tap is told to have won.
template <class T> struct PoolSource {
    const T* x;
    const T* scale;
    const T* shift;
    bool relu;
};

template <class Index> constexpr Index no_tap = static_cast<Index>(-1);

// One row of the result of an image, or, in backward, some rows of dx, from a multiple of
// the stride on. x, out, dx and `which` point to the image's first number.
template <class T> struct PoolKernels {
    // `which` tap of the window won, counted row by row: one byte or four
    void (*largest)(const Pool2d&, const PoolSource<T>&, T* out, std::uint8_t* which, int i);
    void (*largest_of_many)(const Pool2d&, const PoolSource<T>&, T* out, std::int32_t* which,
                            int i);
    void (*largest_backward)(const Pool2d&, const T* dout, const std::uint8_t* which, T* dx,
                             int begin, int end);
    void (*largest_of_many_backward)(const Pool2d&, const T* dout, const std::int32_t* which,
                                     T* dx, int begin, int end);
    void (*mean)(const Pool2d&, const T* x, T* out, int i);
    void (*mean_backward)(const Pool2d&, const T* dout, T* dx, int h);
    // `rows` pixels of C channels: sums[c] += Σ x, and out = value in all of them
    void (*channel_sums)(const T* x, std::ptrdiff_t rows, int C, T* block, double* sums);
    void (*repeat)(const T* values, std::ptrdiff_t rows, int C, T* out);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {

template <class T, class Index>
void largest(const Pool2d&, const PoolSource<T>&, T*, Index*, int);
template <class T, class Index>
void largest_backward(const Pool2d&, const T*, const Index*, T*, int, int);
template <class T> void mean(const Pool2d&, const T*, T*, int);
template <class T> void mean_backward(const Pool2d&, const T*, T*, int);
template <class T> void channel_sums(const T*, std::ptrdiff_t, int, T*, double*);
template <class T> void repeat(const T*, std::ptrdiff_t, int, T*);

template <class T> constexpr PoolKernels<T> pool_kernels() {
    return {largest<T, std::uint8_t>,
            largest<T, std::int32_t>,
            largest_backward<T, std::uint8_t>,
            largest_backward<T, std::int32_t>,
            mean<T>,
            mean_backward<T>,
            channel_sums<T>,
            repeat<T>};
}

}  // namespace cnn::CNN_LEVEL
#endif
